/** Slow mode, as far as this page knows: when the reader may write again. The server enforces it. */

import type { Conversation, Message, User } from "@talkwire/client";
import { type OutboxEntry, roleOf } from "@talkwire/client/parts";

/** When the reader's messages of a conversation can be sent, in milliseconds since 1970. */
export interface SlowTimes {
  /** Of each message that is not sent yet, by the id of its entry. */
  readonly entries: ReadonlyMap<string, number>;
  /** Of the next one that the reader writes. */
  readonly next: number;
}

/** Returns how many milliseconds the reader waits between two messages; 0 for owners and admins, as on the server. */
export function slowModeMs(conversation: Conversation, me: User): number {
  const { slowModeS = 0, members } = conversation;
  const role = roleOf(conversation, me);
  const isLimited = role === "member" || (role === undefined && members !== undefined);
  return isLimited ? slowModeS * 1_000 : 0;
}

/** Returns when the reader has last written, in the loaded messages or in this page. Deleted messages count too. */
export function lastWrittenAt(messages: readonly Message[], sentAt: number | undefined, myId: string): number {
  const last = messages.findLast(({ senderId, type }) => senderId === myId && type !== "system");
  return Math.max(last === undefined ? 0 : Date.parse(last.createdAt), sentAt ?? 0);
}

/**
 * Returns when messages can be sent. `unsent`: the conversation's messages in the outbox, with those that the server has
 * asked to wait. A time that only the page has computed is never later than slow mode allows, whatever its clock says.
 */
export function slowTimes(unsent: readonly OutboxEntry[], slowMs: number, last: number, now: number): SlowTimes {
  const entries = new Map<string, number>();
  let next = Math.min(last, now) + slowMs;
  for (const { clientMessageId, problem, retryAt, writtenAt } of unsent) {
    if (problem !== null) continue;
    const sendsAt = retryAt ?? next;
    entries.set(clientMessageId, sendsAt);
    next = Math.max(sendsAt, Math.min(writtenAt, now)) + slowMs;
  }
  return { entries, next };
}
