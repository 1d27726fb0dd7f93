import { own } from "../own";
/** The reader's conversations by id. Their unread counts are updated here between two answers of the server. */

import type { Conversation, Message } from "../../server/payloads";

export type ConversationsById = Readonly<Record<string, Conversation>>;

/** Returns the conversations with the newest message first, as the server lists them. */
export function newestFirst(conversations: ConversationsById): Conversation[] {
  return Object.values(conversations).sort((one, other) => compare(newestTime(other), newestTime(one)));
}

/** Comparing times as strings is many times faster than `localeCompare`. */
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const newestTime = ({ lastMessage, createdAt }: Conversation): string => lastMessage?.createdAt ?? createdAt;

const NOBODY: ReadonlySet<string> = new Set();

/**
 * Adds a new message; the server sends no counts with it. Messages that are known, imported, seen (`isSeen`) or sent by
 * a blocked user are not counted as unread.
 */
export function withMessage(
  conversations: ConversationsById,
  message: Message,
  myId: string,
  blocked: ReadonlySet<string> = NOBODY,
  isSeen = false,
): ConversationsById {
  const before = own(conversations, message.conversationId);
  if (before === undefined || message.seq <= before.lastSeq) return conversations;
  const counts = !isSeen && !message.imported && message.senderId !== myId && !blocked.has(message.senderId);
  const namesMe = counts && (message.mentionsAll === true || (message.mentions ?? []).includes(myId));
  const after: Conversation = {
    ...before,
    lastSeq: message.seq,
    lastMessage: message,
    unreadCount: (before.unreadCount ?? 0) + (counts ? 1 : 0),
    mentionCount: (before.mentionCount ?? 0) + (namesMe ? 1 : 0),
  };
  return { ...conversations, [after.id]: after };
}

/** Adds what an event says of a conversation, and keeps what differs by reader. */
export function withConversation(conversations: ConversationsById, received: Conversation): ConversationsById {
  const before = own(conversations, received.id);
  if (before === undefined) return { ...conversations, [received.id]: received };
  const { name: _, avatar: __, ...rules } = received;
  const { name: ___, avatar: ____, ...kept } = before;
  // A direct conversation is shown as the other member, which only answers contain.
  const after = received.kind === "direct" ? { ...before, ...rules } : { ...kept, ...received };
  return { ...conversations, [received.id]: after };
}

/** Returns the server's answer, merged with events that arrived while the answer was on its way. */
export function withLoaded(before: Conversation | undefined, answer: Conversation): Conversation {
  const { readSeq = 0 } = answer;
  if (before === undefined || (before.lastSeq <= answer.lastSeq && (before.readSeq ?? 0) <= readSeq)) return answer;
  const { lastMessage, unreadCount = 0, mentionCount = 0 } = before;
  return {
    ...answer,
    ...(lastMessage !== undefined && { lastMessage }),
    lastSeq: Math.max(before.lastSeq, answer.lastSeq),
    readSeq: Math.max(before.readSeq ?? 0, readSeq),
    unreadCount,
    mentionCount,
  };
}

/** Returns the number of unread messages; in muted conversations only mentions count. */
export function totalUnread(conversations: ConversationsById): number {
  return Object.values(conversations).reduce(
    (sum, { muted, unreadCount = 0, mentionCount = 0 }) => sum + (muted ? mentionCount : unreadCount),
    0,
  );
}
