import { messageSummary, plainText } from "../../chat/messages/message_summary";
import type { Message, User } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { Avatar } from "../components/avatar";
import { fullTime, timeOfDay } from "../time_format";

const FACES_MAX = 3;

/**
 * Consecutive replies in one thread, among the conversation's messages: one line that opens the thread at the first of
 * them. Replies count as unread like other messages, so the reader finds them here.
 */
export function ThreadRow({ replies }: { replies: readonly Message[] }) {
  const chat = useChat();
  const [first] = replies;
  const last = replies.at(-1);
  if (first === undefined || last?.threadId === undefined) return null;
  const people = sendersOf(replies);
  const { createdAt, threadId: rootId } = last;
  return (
    <button
      type="button"
      className="thread-row"
      data-id={first.id}
      onClick={() => chat.openPanel({ kind: "thread", rootId, messageId: first.id })}
    >
      <span className="faces">
        {people.slice(0, FACES_MAX).map(({ id, name, avatar }) => (
          <Avatar key={id} id={id} name={name} picture={avatar} />
        ))}
      </span>
      <strong dir="auto">{people.map(({ name }) => name).join(", ")}</strong>
      <span className="thread-row-what">{texts.threadReplies(replies.length)}</span>
      <span className="thread-row-says" dir="auto">
        {plainText(messageSummary(last))}
      </span>
      <time dateTime={createdAt} title={fullTime(createdAt)}>
        {timeOfDay(createdAt)}
      </time>
    </button>
  );
}

/** Returns the senders, the most recent first. */
function sendersOf(replies: readonly Message[]): Pick<User, "id" | "name" | "avatar">[] {
  const byId = new Map(replies.map(({ sender }) => [sender.id, sender]));
  return [...new Set(replies.map(({ senderId }) => senderId).reverse())].flatMap((id) => byId.get(id) ?? []);
}
