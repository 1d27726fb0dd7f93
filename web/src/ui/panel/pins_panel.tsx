import type { Conversation, Message } from "@talkwire/client";
import { may, own, roleOf } from "@talkwire/client/parts";
import { Pin, PinOff } from "lucide-react";
import { useEffect } from "react";
import { useStore } from "zustand";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { texts } from "../../texts";
import { shortTime } from "../../time_format";
import { EmptyState } from "../components/empty_state";
import { IconButton } from "../components/icon_button";
import { PanelFrame } from "../components/panel_frame";
import { useGoToMessage } from "../components/panel_layout";
import { AttachedLine } from "../files/attached_line";
import { useChat, useChatState } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";
import { useIsFolded } from "../people/folded";
import "../search/message_results.css";

/** The pinned messages of a conversation, the newest pin first. */
export default function PinsPanel({ conversation }: { conversation: Conversation }) {
  const { pins } = useChat();
  const { id, kind } = conversation;
  const mayUnpin = useChatState(({ me }) => kind === "direct" || may(kind, roleOf(conversation, me), "manage"));
  const pinned = useStore(pins.state, (state) => own(state, id));
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns
  useEffect(() => {
    void pins.load(id);
  }, [pins, id, reconnects]);
  return (
    <PanelFrame title={texts.pins}>
      {pinned?.length === 0 && (
        <EmptyState icon={Pin} title={texts.noPins}>
          <p>{texts.noPinsHint}</p>
        </EmptyState>
      )}
      <ul className="finds">
        {pinned?.map((message) => (
          <Pinned key={message.id} message={message} mayUnpin={mayUnpin} />
        ))}
      </ul>
    </PanelFrame>
  );
}

/** What a blocked user says in a group is hidden, and can be shown among the messages. */
function Pinned({ message, mayUnpin }: { message: Message; mayUnpin: boolean }) {
  const { messages } = useChat();
  const jump = useGoToMessage();
  const { id, conversationId, senderId, sender, createdAt } = message;
  const isFolded = useIsFolded(conversationId, senderId);
  return (
    <li>
      <button type="button" className="find" onClick={() => jump(conversationId, id)}>
        <span className="find-who">
          {!isFolded && <strong>{sender.name}</strong>}
          <time dateTime={createdAt}>{shortTime(createdAt)}</time>
        </span>
        <span className="find-says">{isFolded ? texts.people.folded : plainText(messageSummary(message))}</span>
        {!isFolded && <AttachedLine message={message} />}
      </button>
      {mayUnpin && <IconButton icon={PinOff} label={texts.unpin} onClick={() => messages.pin(message)} />}
    </li>
  );
}
