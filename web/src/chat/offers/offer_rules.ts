/** Offers: their actions and expiry. All functions are pure; time is an argument. */

import type { Offer, OfferStatus } from "@talkwire/client";

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

/** Returns the id of the user who accepted, rejected, countered or withdrew an offer; undefined if no user has. */
export function answererOf({ status, history }: Offer): string | undefined {
  if (status === "pending" || status === "expired") return undefined;
  return history.findLast((step) => step.status === status)?.by ?? undefined;
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
