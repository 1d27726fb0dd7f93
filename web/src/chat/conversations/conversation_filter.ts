/** Filters the list of conversations. */

import type { Conversation } from "@talkwire/client";
import { searchByName } from "./name_search";

export interface ConversationFilter {
  readonly query: string;
  readonly unreadOnly: boolean;
  /** The conversations with a missed call that is not read. */
  readonly missed: ReadonlySet<string>;
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
  { query, unreadOnly, missed }: ConversationFilter,
  openId: string | null,
): readonly Conversation[] {
  const isUnread = ({ id, unreadCount, unreadOfferCount }: Conversation): boolean =>
    Boolean(unreadCount || unreadOfferCount) || missed.has(id);
  const left = unreadOnly ? ordered.filter((each) => each.id === openId || isUnread(each)) : ordered;
  return query.trim() === "" ? left : searchByName(left, soughtIn, query);
}
