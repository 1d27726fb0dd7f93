import { Forward, MessagesSquare, Pin } from "lucide-react";
import { useContext } from "react";
import { own } from "../../chat/own";
import type { Message, Origin } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { useGoToMessage } from "../panel/panel_layout";
import { fullTime } from "../time_format";
import { ThreadContext } from "./thread_context";
import "./message_badges.css";

/** Shows that a message is pinned. */
export function PinMark() {
  return (
    <small className="mark">
      <Pin className="icon" aria-hidden="true" />
      {texts.pinned}
    </small>
  );
}

/** Shows where a message was forwarded from, with a link to the original. */
export function ForwardedFrom({ message, origin }: { message: Message; origin: Origin }) {
  const { messages } = useChat();
  const jump = useGoToMessage();
  const author = useChatState(({ conversations, me }) =>
    origin.senderId === me.id
      ? me.name
      : own(conversations, message.conversationId)?.members?.find(({ userId }) => userId === origin.senderId)?.name,
  );
  const go = async (): Promise<void> => {
    const original = await messages.find(origin.id);
    if (original !== undefined) jump(original.conversationId, original.id);
  };
  return (
    <button type="button" className="mark link" title={texts.toOriginal} onClick={() => void go()}>
      <Forward className="icon" aria-hidden="true" />
      {author === undefined ? texts.forwarded : texts.forwardedFrom(author)}
    </button>
  );
}

export function Edited({ message, editedAt }: { message: Message; editedAt: string }) {
  const chat = useChat();
  return (
    <button
      type="button"
      className="edited link"
      title={`${texts.showHistory} · ${fullTime(editedAt)}`}
      onClick={() => chat.openMessageDialog({ kind: "history", message })}
    >
      {texts.edited}
    </button>
  );
}

/** The link from a thread's root to the thread. */
export function Replies({ message: { id, replyCount = 0 } }: { message: Message }) {
  const chat = useChat();
  const isInside = useContext(ThreadContext);
  if (replyCount === 0 || isInside) return null;
  return (
    <button type="button" className="replies" onClick={() => chat.openPanel({ kind: "thread", rootId: id })}>
      <MessagesSquare className="icon" aria-hidden="true" />
      {texts.replies(replyCount)}
    </button>
  );
}
