/** Filters the list of conversations. */

import type { Conversation } from "@talkwire/client";
import { searchByName } from "./name_search";

export interface ConversationFilter {
  readonly query: string;
  readonly unreadOnly: boolean;
}

/**
 * Returns whether a conversation is more than a place to write to somebody. A direct conversation exists from the moment
 * on in which somebody looks at it; until a message, a call or an offer, it is in nobody's list.
 */
export function isUsed({ kind, lastSeq, lastMessage, lastCall, lastOffer, favourite, section }: Conversation): boolean {
  if (kind !== "direct" || lastSeq > 0 || favourite || section) return true;
  return [lastMessage, lastCall, lastOffer].some((each) => each !== undefined);
}

/** Returns the conversations that match what is sought in them, or that are unread. The open conversation stays while it is read. */
export function filterConversations(
  ordered: readonly Conversation[],
  soughtIn: (conversation: Conversation) => string,
  { query, unreadOnly }: ConversationFilter,
  openId: string | null,
): readonly Conversation[] {
  const left = unreadOnly
    ? ordered.filter(({ id, unreadCount, unreadOfferCount }) => id === openId || unreadCount || unreadOfferCount)
    : ordered;
  return query.trim() === "" ? left : searchByName(left, soughtIn, query);
}
