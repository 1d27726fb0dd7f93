/** What the list shows of a conversation: unread messages and offers, and whether an offer is the newest entry. */

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

/**
 * Returns whether a conversation is in the reader's list. Others that are loaded, such as those of a desk, have nothing
 * unread for the reader.
 */
export const isListed = ({ listed }: Conversation): boolean => listed !== false;

/** Returns how many messages and offers are unread in a section; in muted conversations only mentions count. */
export function unreadInSection(conversations: readonly Conversation[], features: Features): number {
  return conversations.reduce(
    (sum, each) => sum + (each.muted ? (each.mentionCount ?? 0) : unreadOf(each, features)),
    0,
  );
}

/** Returns the newest offer if it is newer than the newest message and the newest call. */
export function newestOffer(
  { lastOffer, lastMessage, lastCall }: Conversation,
  { offers }: Features,
): Offer | undefined {
  if (!offers || lastOffer === undefined) return undefined;
  const isNewest = [lastMessage, lastCall].every((each) => Number(each?.id ?? 0) < Number(lastOffer.id));
  return isNewest ? lastOffer : undefined;
}

/** Returns the number in the title: of muted and archived conversations, only mentions count. */
export function totalOf(conversations: ConversationsById, { offers }: Features): number {
  return unreadMessages(conversations) + (offers ? unreadOffers(conversations) : 0);
}

/** Returns what `totalOf` counts in the other conversations. */
export function totalElsewhere(conversations: ConversationsById, here: Conversation, features: Features): number {
  const alone = { [here.id]: here };
  const counted = totalUnread(alone) + (features.offers ? offersIn(alone) : 0);
  return totalOf(conversations, features) - counted;
}

/** Returns whether a conversation has unread messages or offers. */
export function hasUnread(conversations: ConversationsById, { offers }: Features): boolean {
  return hasUnreadMessages(conversations) || (offers && hasUnreadOffers(conversations));
}

const hasUnreadMessages = computedOnce((conversations) =>
  Object.values(conversations).some((each) => each.unreadCount && isListed(each)),
);
const hasUnreadOffers = computedOnce((conversations) =>
  Object.values(conversations).some((each) => each.unreadOfferCount && isListed(each)),
);
const unreadMessages = computedOnce(totalUnread);
const unreadOffers = computedOnce(offersIn);

function offersIn(conversations: ConversationsById): number {
  return Object.values(conversations)
    .filter(isListed)
    .reduce((sum, { muted, archived, unreadOfferCount = 0 }) => sum + (muted || archived ? 0 : unreadOfferCount), 0);
}

/** Returns a function that computes again only for other conversations: selectors run at each change of the state. */
function computedOnce<Result>(compute: (conversations: ConversationsById) => Result) {
  let known: { readonly conversations: ConversationsById; readonly result: Result } | undefined;
  return (conversations: ConversationsById): Result => {
    if (known?.conversations !== conversations) known = { conversations, result: compute(conversations) };
    return known.result;
  };
}
