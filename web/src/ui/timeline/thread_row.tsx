import { MessagesSquare } from "lucide-react";
import { plainOf } from "../../chat/messages/plain";
import { summaryOf } from "../../chat/messages/summary";
import type { Message } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat } from "../context";
import { fullTime, timeOfDay } from "../times";

/**
 * A reply in a thread, where it stands among the conversation's messages: one line that leads to it. It counts as unread
 * like any other, so whoever sees the count has to find it here.
 */
export function ThreadRow({ message, rootId }: { message: Message; rootId: string }) {
  const chat = useChat();
  const { id, sender, createdAt } = message;
  return (
    <button
      type="button"
      className="thread-row"
      data-id={id}
      onClick={() => chat.show({ kind: "thread", rootId, messageId: id })}
    >
      <MessagesSquare className="icon" aria-hidden="true" />
      <strong dir="auto">{sender.name}</strong>
      <span className="thread-row-what">{texts.threadReply}</span>
      <span className="thread-row-says" dir="auto">
        {plainOf(summaryOf(message))}
      </span>
      <time dateTime={createdAt} title={fullTime(createdAt)}>
        {timeOfDay(createdAt)}
      </time>
    </button>
  );
}
