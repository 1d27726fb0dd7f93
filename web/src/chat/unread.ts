/** Which conversations stand where, and what is unread in them: counted here between two answers of the server. */

import type { Conversation, Message } from "../server/payloads";

export type Conversations = Readonly<Record<string, Conversation>>;

/** The one with the newest message first, as the server lists them. */
export function inOrder(conversations: Conversations): Conversation[] {
  return Object.values(conversations).sort((one, other) => newest(other).localeCompare(newest(one)));
}

const newest = ({ lastMessage, createdAt }: Conversation): string => lastMessage?.createdAt ?? createdAt;

/** A message was sent: the server tells no counts of it. One that is known already counts nothing. */
export function withMessage(conversations: Conversations, message: Message, myId: string): Conversations {
  const before = conversations[message.conversationId];
  if (before === undefined || message.seq <= before.lastSeq) return conversations;
  const isMine = message.senderId === myId;
  const namesMe = !isMine && (message.mentionsAll === true || (message.mentions ?? []).includes(myId));
  const after: Conversation = {
    ...before,
    lastSeq: message.seq,
    lastMessage: message,
    unreadCount: (before.unreadCount ?? 0) + (isMine ? 0 : 1),
    mentionCount: (before.mentionCount ?? 0) + (namesMe ? 1 : 0),
  };
  return { ...conversations, [after.id]: after };
}

/** What was told of a conversation; what differs by reader stays as it is here. */
export function withConversation(conversations: Conversations, told: Conversation): Conversations {
  const before = conversations[told.id];
  if (before === undefined) return { ...conversations, [told.id]: told };
  const { name: _, ...rest } = told;
  // A direct one is called after the other member, which only answers say.
  const named = told.kind === "direct" || told.name === undefined ? {} : { name: told.name };
  return { ...conversations, [told.id]: { ...before, ...rest, ...named } };
}

/** How many messages wait in all; those of muted conversations only where they name the reader. */
export function totalUnread(conversations: Conversations): number {
  return Object.values(conversations).reduce(
    (sum, { muted, unreadCount = 0, mentionCount = 0 }) => sum + (muted ? mentionCount : unreadCount),
    0,
  );
}
