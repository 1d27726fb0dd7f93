/** What the page hides of users whom the reader has blocked. */

import { type ConversationsById, own } from "@talkwire/client/parts";

interface Known {
  readonly blocked: ReadonlySet<string>;
  readonly conversations: ConversationsById;
}

/** Returns whether what a user says in a conversation is hidden: nothing is in direct conversations. */
export function isFolded({ blocked, conversations }: Known, conversationId: string, userId: string): boolean {
  return blocked.has(userId) && own(conversations, conversationId)?.kind !== "direct";
}
