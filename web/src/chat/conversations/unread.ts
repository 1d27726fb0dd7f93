/** What the list shows of a conversation: unread messages and offers, and whether the newest of both is an offer. */

import type { Conversation, Offer } from "@talkwire/client";
import { type ConversationsById, totalUnread } from "@talkwire/client/parts";

/** What the operator has switched on for the web client. */
export interface Features {
  readonly offers: boolean;
  /** The currency of a conversation's first offer. */
  readonly offerCurrency: string;
}

/** Returns how many messages and offers are unread. */
export function unreadOf({ unreadCount = 0, unreadOfferCount = 0 }: Conversation, { offers }: Features): number {
  return unreadCount + (offers ? unreadOfferCount : 0);
}

/** Returns the newest offer if it is newer than the newest message. */
export function newestOffer({ lastOffer, lastMessage }: Conversation, { offers }: Features): Offer | undefined {
  if (!offers || lastOffer === undefined) return undefined;
  return lastMessage === undefined || Number(lastMessage.id) < Number(lastOffer.id) ? lastOffer : undefined;
}

/** Returns the number in the title: of muted and archived conversations, only mentions count. */
export function totalOf(conversations: ConversationsById, { offers }: Features): number {
  const unread = totalUnread(conversations);
  if (!offers) return unread;
  return Object.values(conversations).reduce(
    (sum, { muted, archived, unreadOfferCount = 0 }) => sum + (muted || archived ? 0 : unreadOfferCount),
    unread,
  );
}
