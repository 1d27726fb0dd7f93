/** A conversation's messages as far as they are here: one stretch without holes, in the order of `seq`. */

import type { Message } from "../server/payloads";

export interface Timeline {
  readonly messages: readonly Message[];
  /** Whether nothing is older, or newer, than what is here. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

export const EMPTY: Timeline = { messages: [], atStart: true, atEnd: true };

const firstSeq = (timeline: Timeline): number => timeline.messages[0]?.seq ?? Number.POSITIVE_INFINITY;
const lastSeq = (timeline: Timeline): number => timeline.messages.at(-1)?.seq ?? 0;

/** A page of what is older was loaded. */
export function withOlder(timeline: Timeline, page: readonly Message[], hasMore: boolean): Timeline {
  const first = firstSeq(timeline);
  const older = page.filter((message) => message.seq < first);
  return { ...timeline, messages: [...older, ...timeline.messages], atStart: !hasMore };
}

/** A page of what is newer was loaded. */
export function withNewer(timeline: Timeline, page: readonly Message[], hasMore: boolean): Timeline {
  const last = lastSeq(timeline);
  const newer = page.filter((message) => message.seq > last);
  return { ...timeline, messages: [...timeline.messages, ...newer], atEnd: !hasMore };
}

/**
 * A message was sent just now. What comes twice changes nothing, and what would leave a hole is not taken: then the
 * timeline ends before it, until that is loaded.
 */
export function withNew(timeline: Timeline, message: Message): Timeline {
  const last = lastSeq(timeline);
  if (message.seq <= last || !timeline.atEnd) return timeline;
  if (timeline.messages.length > 0 && message.seq > last + 1) return { ...timeline, atEnd: false };
  return { ...timeline, messages: [...timeline.messages, message] };
}

/** One message looks different now; one that is not here changes nothing. */
export function withChanged(timeline: Timeline, id: string, change: (message: Message) => Message): Timeline {
  // What changes is nearly always among the newest.
  for (let index = timeline.messages.length - 1; index >= 0; index--) {
    const message = timeline.messages[index];
    if (message?.id === id) return { ...timeline, messages: timeline.messages.with(index, change(message)) };
  }
  return timeline;
}

/** What is left of a message that was taken back. */
export function tombstone(message: Message, deletedAt: string): Message {
  const { id, conversationId, seq, senderId, sender, createdAt, threadId } = message;
  const left: Message = { id, conversationId, seq, senderId, sender, createdAt, deletedAt };
  return threadId === undefined ? left : { ...left, threadId };
}

// --- rows ------------------------------------------------------------------------------------------------------------

/** A message as it stands in the list: a row each, so that a page of so many messages is as many rows. */
export interface Row {
  readonly message: Message;
  /** Whether a day begins with it. */
  readonly startsDay: boolean;
  /** Whether the unread begins with it. */
  readonly startsUnread: boolean;
  /** Whether it is by the same person as the one just before. */
  readonly continued: boolean;
}

const TOGETHER_MS = 5 * 60_000;

/**
 * `unreadAfter`: the `seq` up to which everything was read when the conversation was opened; null when all was. Where that
 * is not loaded, nobody can say which message is the first unread one.
 */
export function rowsOf({ messages, atStart }: Timeline, unreadAfter: number | null, myId: string): Row[] {
  const isKnown = unreadAfter !== null && (atStart || (messages[0]?.seq ?? 0) <= unreadAfter + 1);
  const firstUnread = isKnown
    ? messages.find((message) => message.seq > unreadAfter && message.senderId !== myId)
    : undefined;
  return messages.map((message, index) => {
    const before = messages[index - 1];
    const startsDay = before === undefined || dayOf(before) !== dayOf(message);
    const startsUnread = message === firstUnread;
    const continued = before !== undefined && !startsDay && !startsUnread && belongs(message, before);
    return { message, startsDay, startsUnread, continued };
  });
}

const dayOf = (message: Message): string => new Date(message.createdAt).toDateString();

function belongs(message: Message, before: Message): boolean {
  return (
    message.senderId === before.senderId &&
    message.replyTo === undefined &&
    Date.parse(message.createdAt) - Date.parse(before.createdAt) < TOGETHER_MS
  );
}
