import { withoutParts } from "../messages/message_parts.ts";
import { own } from "../own.ts";
/** The reader's conversations by id. Their unread counts are updated here between two answers of the server. */

import type { Conversation, Message, Notice } from "../server/payloads.ts";

export type ConversationsById = Readonly<Record<string, Conversation>>;

/**
 * Returns the conversations of the reader's list. Loaded ones may not be in it: those of a team of the reader, in which
 * the reader has not written and was not mentioned.
 */
const listed = (conversations: ConversationsById): Conversation[] =>
  Object.values(conversations).filter((each) => each.listed !== false);

/** Returns the conversations of the reader's list with the newest message, offer or call first. */
export function newestFirst(conversations: ConversationsById): Conversation[] {
  return listed(conversations).sort(
    // Ids of the server grow with time.
    (one, other) => compare(newestTime(other), newestTime(one)) || compare(other.id, one.id),
  );
}

/** Comparing times as strings is many times faster than `localeCompare`. */
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Returns the newest call that has ended, if it is newer than the newest message. */
export function newestCall({ lastCall, lastMessage }: Conversation): Notice | undefined {
  if (lastCall === undefined || Number(lastMessage?.id ?? 0) > Number(lastCall.id)) return undefined;
  return lastCall;
}

/** Returns the time of the newest message, offer or call, or of the reader's joining if that is later. */
export function newestTime({ lastMessage, lastOffer, lastCall, createdAt, joinedAt }: Conversation): string {
  const lastAt = lastMessage?.createdAt ?? createdAt;
  // Who was a member in another system has joined here when the messages were imported, long after them.
  const cameAt = lastMessage?.imported ? undefined : joinedAt;
  return [lastOffer?.createdAt, lastCall?.createdAt, cameAt].reduce<string>(
    (newest, time = "") => (time > newest ? time : newest),
    lastAt,
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * Adds a new message; the server sends no counts with it. Messages that are known, imported, deleted, seen (`isSeen`) or
 * sent by a blocked user are not counted as unread.
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
  const isOfOther = message.senderId !== myId && !blocked.has(message.senderId);
  const isMention = isOfOther && (message.mentionsAll === true || (message.mentions ?? []).includes(myId));
  const counts = !isSeen && !message.imported && message.deletedAt === undefined && isOfOther;
  const namesMe = counts && isMention;
  const after: Conversation = {
    ...before,
    // The server has the same rule.
    ...(before.archived === true && { archived: before.muted === true && !isMention }),
    lastSeq: message.seq,
    lastMessage: withoutParts(message),
    unreadCount: (before.unreadCount ?? 0) + (counts ? 1 : 0),
    mentionCount: (before.mentionCount ?? 0) + (namesMe ? 1 : 0),
  };
  return { ...conversations, [after.id]: after };
}

/** Returns the conversation with what an event says of it, and keeps what differs by reader. */
export function withReceived(before: Conversation, received: Conversation): Conversation {
  const { name: _, avatar: __, ...rules } = received;
  // An event without a default for notifications says that there is none.
  const { notify: _______, ...others } = before;
  const { name: ___, avatar: ____, topic: _____, description: ______, ...kept } = others;
  // A direct conversation is shown as the other member, which only answers contain.
  return received.kind === "direct" ? { ...others, ...rules } : { ...kept, ...received };
}

/** Returns the server's answer, merged with events that arrived while the answer was on its way. */
export function withLoaded(before: Conversation | undefined, loaded: Conversation): Conversation {
  if (before === undefined) return loaded;
  const { lastOffer, members } = before;
  const isOlder = lastOffer !== undefined && Number(loaded.lastOffer?.id ?? 0) < Number(lastOffer.id);
  // Lists have no members; events keep those that are loaded right.
  const answer = { ...(members && { members }), ...loaded, ...(isOlder && { lastOffer }) };
  const { readSeq = 0 } = answer;
  if (before.lastSeq <= answer.lastSeq && (before.readSeq ?? 0) <= readSeq) return answer;
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

/** Returns the number of unread messages in the reader's list; in muted and archived conversations only mentions count. */
export function totalUnread(conversations: ConversationsById): number {
  return listed(conversations).reduce(
    (sum, { muted, archived, unreadCount = 0, mentionCount = 0 }) =>
      sum + (muted || archived ? mentionCount : unreadCount),
    0,
  );
}
