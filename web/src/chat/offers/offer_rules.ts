/** Offers: their actions and expiry. All functions are pure; time is an argument. */

import type { Conversation, Offer, OfferStatus } from "@talkwire/client";

export type OfferAction = "accept" | "reject" | "counter" | "withdraw";

const ANSWERS: readonly OfferAction[] = ["accept", "counter", "reject"];

const DAY_MS = 86_400_000;

/** Returns the status at a time: the client knows that an offer has expired before the server says so. */
export function statusAt({ status, expiresAt }: Offer, nowMs: number): OfferStatus {
  return status === "pending" && expiresAt !== undefined && Date.parse(expiresAt) <= nowMs ? "expired" : status;
}

/** Returns whether an offer has less than a day left. */
export function endsSoon({ expiresAt }: Offer, nowMs: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) - nowMs < DAY_MS;
}

export interface Answering {
  readonly myId: string;
  /** Whether the reader may write in the conversation; answering is possible without. */
  readonly mayWrite: boolean;
  /** Whether a moderator has muted the reader, or one user of a direct conversation has blocked the other. */
  readonly isBlocked?: boolean;
  /** Whether the offer's author is no longer in the conversation. */
  readonly isAuthorGone?: boolean;
}

/** Returns the reader's possible actions. */
export function actionsOn(
  offer: Offer,
  { myId, mayWrite, isBlocked = false, isAuthorGone = false }: Answering,
  nowMs: number,
): readonly OfferAction[] {
  if (statusAt(offer, nowMs) !== "pending") return [];
  if (offer.authorId === myId) return ["withdraw"];
  if (isBlocked) return [];
  if (isAuthorGone) return ["reject"];
  return mayWrite ? ANSWERS : ANSWERS.filter((action) => action !== "counter");
}

/** Returns the id of the user who accepted, rejected, countered or withdrew an offer; undefined if no user has. */
export function answererOf({ status, history }: Offer): string | undefined {
  if (status === "pending" || status === "expired") return undefined;
  return history.findLast((step) => step.status === status)?.by ?? undefined;
}

/** Returns whether an offer's author is no longer in its conversation, as far as the page knows all of its members. */
export function isAuthorGone({ authorId }: Offer, { members, memberCount }: Conversation): boolean {
  if (members === undefined || members.length !== memberCount) return false;
  return !members.some(({ userId, erased }) => userId === authorId && erased !== true);
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
