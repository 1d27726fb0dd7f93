import type { Message } from "@talkwire/client";
import { Ellipsis } from "lucide-react";
import { useRef } from "react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { MenuButton } from "../components/menu";
import { Toolbar } from "../components/toolbar";
import { EmojiButton } from "../emoji/emoji_button";
import { QUICK_REACTIONS } from "../emoji/quick_reactions";
import { MESSAGE_KEYS } from "../keyboard/shortcuts";
import { actionsOf } from "../message_dialogs/message_actions";
import { useChat } from "../page/chat_context";

/**
 * The buttons of a message. They are visible under the pointer or the focus; otherwise only the menu is in the
 * document, for screen readers.
 */
export function MessageToolbar({
  message,
  isActive,
  isFocused,
}: {
  message: Message;
  isActive: boolean;
  isFocused: boolean;
}) {
  const chat = useChat();
  const place = useRef<HTMLDivElement>(null);
  // Where there is no room for a button, the menu has its action.
  const others = () => {
    const buttons = [...(place.current?.querySelectorAll("button") ?? [])].filter((button) => button.checkVisibility());
    return actionsOf(chat, message).filter(({ label }) => !buttons.some(({ ariaLabel }) => ariaLabel === label));
  };
  return (
    <div className="actions-place" ref={place}>
      <Toolbar className="actions" label={texts.actions} isReachable={isFocused}>
        {isActive && <Frequent message={message} />}
        <MenuButton icon={Ellipsis} label={texts.moreActions} actions={others} />
      </Toolbar>
    </div>
  );
}

function Frequent({ message }: { message: Message }) {
  const chat = useChat();
  return (
    <>
      {QUICK_REACTIONS.slice(0, 3).map((emoji) => (
        <button
          key={emoji}
          type="button"
          className="quick"
          aria-label={texts.react(emoji)}
          onClick={() => chat.messages.react(message, emoji)}
        >
          {emoji}
        </button>
      ))}
      <EmojiButton
        label={texts.emoji.react}
        onPick={(emoji) => chat.messages.react(message, emoji)}
        aria-keyshortcuts={MESSAGE_KEYS.react}
      />
      {actionsOf(chat, message).map(({ isFrequent, icon, label, onClick }) =>
        isFrequent && icon ? (
          <IconButton
            key={label}
            icon={icon}
            label={label}
            className={isFrequent === "wide" ? "wide" : undefined}
            onClick={onClick}
          />
        ) : null,
      )}
    </>
  );
}
