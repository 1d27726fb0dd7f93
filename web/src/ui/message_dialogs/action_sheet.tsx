import { PortalContext } from "@ariakit/react";
import type { Message } from "@talkwire/client";
import { useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { EmojiButton } from "../emoji/emoji_button";
import { QUICK_REACTIONS } from "../emoji/quick_reactions";
import { useChat, useChatState } from "../page/chat_context";
import { actionsOf } from "./message_actions";
import { MessagePreview } from "./message_preview";
import { SheetActions } from "./sheet_actions";
import "./action_sheet.css";

interface Props {
  message: Message;
  onClose: () => void;
}

/** What can be done with a message, at the lower edge of a touch screen. A long press opens it. */
export default function ActionSheet({ message, onClose }: Props) {
  const chat = useChat();
  const myId = useChatState((state) => state.me.id);
  const [place, setPlace] = useState<HTMLElement | null>(null);
  const actions = actionsOf(chat, message);
  const react = (emoji: string): void => {
    onClose();
    chat.messages.react(message, emoji);
  };
  return (
    <Dialog title={texts.actions} onClose={onClose} isSheet>
      <div className="sheet-message">
        <MessagePreview message={message} />
      </div>
      {message.deletedAt === undefined && (
        <div className="sheet-reactions">
          {QUICK_REACTIONS.map((emoji) => (
            <button
              key={emoji}
              type="button"
              aria-label={texts.react(emoji)}
              aria-pressed={
                message.reactions?.some((each) => each.emoji === emoji && each.userIds.includes(myId)) ?? false
              }
              onClick={() => react(emoji)}
            >
              {emoji}
            </button>
          ))}
          <PortalContext value={place}>
            <EmojiButton label={texts.emoji.react} onPick={react} placement="top-end" />
          </PortalContext>
        </div>
      )}
      {/* The picker, which would be below the dialog in the page. */}
      <div ref={setPlace} />
      <SheetActions actions={actions} hasTiles onClose={onClose} />
    </Dialog>
  );
}
