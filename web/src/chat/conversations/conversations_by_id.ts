import { own } from "../own";
/** Which conversations stand where, and what is unread in them: counted here between two answers of the server. */

import type { Conversation, Message } from "../../server/payloads";

export type ConversationsById = Readonly<Record<string, Conversation>>;

/** The one with the newest message first, as the server lists them. */
export function newestFirst(conversations: ConversationsById): Conversation[] {
  return Object.values(conversations).sort((one, other) => compare(newestTime(other), newestTime(one)));
}

/** Times are compared letter by letter: as texts of a language that would take many times as long. */
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const newestTime = ({ lastMessage, createdAt }: Conversation): string => lastMessage?.createdAt ?? createdAt;

const NOBODY: ReadonlySet<string> = new Set();

/**
 * A message was sent: the server tells no counts of it. One that is known already counts nothing, nor does one that was
 * imported, one of somebody who is blocked, or one that the reader is looking at (`isSeen`).
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

/** What was told of a conversation; what differs by reader stays as it is here. */
export function withConversation(conversations: ConversationsById, received: Conversation): ConversationsById {
  const before = own(conversations, received.id);
  if (before === undefined) return { ...conversations, [received.id]: received };
  const { name: _, avatar: __, ...rules } = received;
  const { name: ___, avatar: ____, ...kept } = before;
  // A direct one looks like the other member, which only answers say.
  const after = received.kind === "direct" ? { ...before, ...rules } : { ...kept, ...received };
  return { ...conversations, [received.id]: after };
}

/** What the server answered; where more was told or read while the answer was on its way, that stays. */
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

/** How many messages wait in all; those of muted conversations only where they name the reader. */
export function totalUnread(conversations: ConversationsById): number {
  return Object.values(conversations).reduce(
    (sum, { muted, unreadCount = 0, mentionCount = 0 }) => sum + (muted ? mentionCount : unreadCount),
    0,
  );
}
