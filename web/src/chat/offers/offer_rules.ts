/** Offers: their actions, expiry and place among the messages. All functions are pure; time is an argument. */

import type { Offer, OfferStatus } from "../../server/payloads";
import type { Row, Timeline } from "../messages/timeline";

export type OfferAction = "accept" | "reject" | "counter" | "withdraw";

const ANSWERS: readonly OfferAction[] = ["accept", "reject", "counter"];

/** Returns the status at a time: the client knows that an offer has expired before the server says so. */
export function statusAt({ status, expiresAt }: Offer, nowMs: number): OfferStatus {
  return status === "pending" && expiresAt !== undefined && Date.parse(expiresAt) <= nowMs ? "expired" : status;
}

/**
 * Returns the reader's possible actions. `mayWrite`: the reader may write in the conversation; answering is possible
 * without. `isBlocked`: one user of a direct conversation has blocked the other.
 */
export function actionsOn(
  offer: Offer,
  { myId, mayWrite, isBlocked = false }: { myId: string; mayWrite: boolean; isBlocked?: boolean },
  nowMs: number,
): readonly OfferAction[] {
  if (statusAt(offer, nowMs) !== "pending") return [];
  if (offer.authorId === myId) return ["withdraw"];
  if (isBlocked) return [];
  return mayWrite ? ANSWERS : ANSWERS.filter((action) => action !== "counter");
}

/** Returns when the next offer expires, in milliseconds since 1970; null when none does. */
export function nextExpiry(offers: readonly Offer[], nowMs: number): number | null {
  const times = offers
    .filter((offer) => offer.expiresAt !== undefined && statusAt(offer, nowMs) === "pending")
    .map((offer) => Date.parse(offer.expiresAt ?? ""));
  return times.length === 0 ? null : Math.min(...times);
}

/** Merges offers, each with its latest state, in the order of their creation. */
export function withOffers(before: readonly Offer[], received: readonly Offer[]): readonly Offer[] {
  const byId = new Map(before.map((offer) => [offer.id, offer]));
  for (const offer of received) {
    // An older answer does not undo a newer event.
    const known = byId.get(offer.id);
    if (known === undefined || known.updatedAt <= offer.updatedAt) byId.set(offer.id, offer);
  }
  return [...byId.values()].sort((one, other) => Number(one.id) - Number(other.id));
}

/** Returns whether older offers have to be loaded to place them among the loaded messages. */
export function reachesBack(offers: readonly Offer[], timeline: Timeline): boolean {
  const [firstOffer] = offers;
  const [firstMessage] = timeline.messages;
  if (firstOffer === undefined || timeline.atStart) return true;
  return firstMessage !== undefined && Number(firstMessage.id) < Number(firstOffer.id);
}

/**
 * Attaches offers to the rows of the messages that they follow, or above the first row. They have no rows of their own,
 * so that pages of messages stay pages of rows. Ids of offers and messages grow in the order of creation.
 */
export function rowsWithOffers(rows: readonly Row[], offers: readonly Offer[], timeline: Timeline): Row[] {
  if (offers.length === 0 || rows.length === 0) return [...rows];
  let next = 0;
  const until = (limit: number): Offer[] => {
    const from = next;
    while (next < offers.length && Number(offers[next]?.id) < limit) next++;
    return offers.slice(from, next);
  };
  const earlier = until(Number(rows[0]?.message.id));
  let follows = false;
  return rows.map((row, index) => {
    const isLast = index === rows.length - 1;
    const limit = isLast ? Number.POSITIVE_INFINITY : Number(rows[index + 1]?.message.id);
    const after = isLast && !timeline.atEnd ? [] : until(limit);
    const before = index === 0 && timeline.atStart ? earlier : [];
    const continued = row.continued && !follows;
    follows = after.length > 0;
    if (before.length === 0 && after.length === 0 && continued === row.continued) return row;
    return { ...row, continued, offersBefore: before, offersAfter: after };
  });
}
