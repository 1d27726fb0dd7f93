/** The loaded messages of a conversation: a range without gaps, in the order of `seq`. All functions are pure. */

import type { Message, Offer } from "../../server/payloads";

export interface Timeline {
  readonly messages: readonly Message[];
  /** Whether the conversation's first, and last, message is loaded. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

export const EMPTY: Timeline = { messages: [], atStart: true, atEnd: true };

const firstSeq = (timeline: Timeline): number => timeline.messages[0]?.seq ?? Number.POSITIVE_INFINITY;
const lastSeq = (timeline: Timeline): number => timeline.messages.at(-1)?.seq ?? 0;

/** Merges a loaded page where it touches the loaded range; otherwise it replaces the range. */
export function merged(timeline: Timeline | undefined, page: Timeline): Timeline {
  if (timeline === undefined || timeline.messages.length === 0 || page.messages.length === 0) return page;
  const [first, last] = [firstSeq(page), lastSeq(page)];
  if (first > lastSeq(timeline) + 1 || last < firstSeq(timeline) - 1) return page;
  const older = timeline.messages.filter(({ seq }) => seq < first);
  const newer = timeline.messages.filter(({ seq }) => seq > last);
  return {
    messages: [...older, ...page.messages, ...newer],
    atStart: older.length > 0 ? timeline.atStart : page.atStart,
    atEnd: newer.length > 0 ? timeline.atEnd : page.atEnd,
  };
}

/** Adds a page of older messages. */
export function withOlder(timeline: Timeline, page: readonly Message[], hasMore: boolean): Timeline {
  const first = firstSeq(timeline);
  const older = page.filter((message) => message.seq < first);
  return { ...timeline, messages: [...older, ...timeline.messages], atStart: !hasMore };
}

/** Adds a page of newer messages. */
export function withNewer(timeline: Timeline, page: readonly Message[], hasMore: boolean): Timeline {
  const last = lastSeq(timeline);
  const newer = page.filter((message) => message.seq > last);
  return { ...timeline, messages: [...timeline.messages, ...newer], atEnd: !hasMore };
}

/**
 * Appends a new message. Ignores a repeated one. A message that would leave a gap is not added: the range ends before
 * it until it is loaded.
 */
export function withNew(timeline: Timeline, message: Message): Timeline {
  const last = lastSeq(timeline);
  if (message.seq <= last || !timeline.atEnd) return timeline;
  if (timeline.messages.length > 0 && message.seq > last + 1) return { ...timeline, atEnd: false };
  return { ...timeline, messages: [...timeline.messages, message] };
}

/** At most this many messages are loaded, however long somebody reads. */
export const KEPT_MAX = 600;
const TRIMMED_TO = 400;

/** Drops messages at the end that is far from the reader; they are loaded again when needed. */
export function trimmed(timeline: Timeline, end: "oldest" | "newest"): Timeline {
  const { messages } = timeline;
  if (messages.length <= TRIMMED_TO) return timeline;
  if (end === "oldest") return { ...timeline, messages: messages.slice(-TRIMMED_TO), atStart: false };
  return { ...timeline, messages: messages.slice(0, TRIMMED_TO), atEnd: false };
}

/** Returns the newest messages of a timeline that includes the conversation's end. */
export function newestOf(timeline: Timeline, count: number): Timeline {
  const { messages, atStart } = timeline;
  return { messages: messages.slice(-count), atStart: atStart && messages.length <= count, atEnd: timeline.atEnd };
}

/** Changes one message, if it is loaded. */
export function withChanged(timeline: Timeline, id: string, change: (message: Message) => Message): Timeline {
  // Most changes concern the newest messages.
  for (let index = timeline.messages.length - 1; index >= 0; index--) {
    const message = timeline.messages[index];
    if (message?.id === id) return { ...timeline, messages: timeline.messages.with(index, change(message)) };
  }
  return timeline;
}

/** Returns the reader's newest message that can be edited, in the conversation or in a thread. */
export function lastOwnMessage(timeline: Timeline | undefined, myId: string, threadId?: string): Message | undefined {
  return timeline?.messages.findLast(
    (message) => message.senderId === myId && message.deletedAt === undefined && message.threadId === threadId,
  );
}

/** Returns what is left of a deleted message. */
export function tombstone(message: Message, deletedAt: string): Message {
  const { id, conversationId, seq, senderId, sender, type, createdAt, threadId, replyCount } = message;
  const left: Message = { id, conversationId, seq, senderId, sender, type, createdAt, deletedAt };
  if (threadId !== undefined) left.threadId = threadId;
  // A thread stays when its root is deleted.
  if (replyCount !== undefined) left.replyCount = replyCount;
  return left;
}

/** Changes the number of replies of a thread's root. */
export function withReplyCount(message: Message, more: number): Message {
  return { ...message, replyCount: Math.max(0, (message.replyCount ?? 0) + more) };
}

// --- rows -----------------------------------------------------------------------------------------------------------

/** A row of the list: a message, or consecutive replies in one thread. */
export interface Row {
  /** The message, or the newest reply. */
  readonly message: Message;
  /** The replies, the oldest first; undefined for a message of the conversation itself. */
  readonly replies?: readonly Message[];
  /** Whether it is the first of its day. */
  readonly startsDay: boolean;
  /** Whether it is the first unread one. */
  readonly startsUnread: boolean;
  /** Whether the message before it has the same sender. */
  readonly continued: boolean;
  /** Offers that were made before the first row, and after this one. */
  readonly offersBefore?: readonly Offer[];
  readonly offersAfter?: readonly Offer[];
}

const GROUPING_MS = 5 * 60_000;

/**
 * Returns the rows of a timeline. `unreadAfter`: the `seq` up to which everything was read when the conversation was
 * opened; null when all was. The first unread message is unknown when that `seq` is not loaded.
 */
export function rowsOf({ messages, atStart }: Timeline, unreadAfter: number | null, myId: string): Row[] {
  const isKnown = unreadAfter !== null && (atStart || (messages[0]?.seq ?? 0) <= unreadAfter + 1);
  const firstUnread = isKnown
    ? messages.find((message) => message.seq > unreadAfter && message.senderId !== myId)
    : undefined;
  const rows: Row[] = [];
  for (const [index, message] of messages.entries()) {
    const before = messages[index - 1];
    const startsDay = before === undefined || timeOf(before).day !== timeOf(message).day;
    const startsUnread = message === firstUnread;
    const isNext = before !== undefined && !startsDay && !startsUnread;
    const [last] = rows.slice(-1);
    if (message.threadId === undefined) {
      rows.push({ message, startsDay, startsUnread, continued: isNext && continuesBefore(message, before) });
    } else if (isNext && last?.replies !== undefined && last.message.threadId === message.threadId) {
      rows[rows.length - 1] = { ...last, message, replies: [...last.replies, message] };
    } else {
      rows.push({ message, replies: [message], startsDay, startsUnread, continued: false });
    }
  }
  return rows;
}

/** Returns the row's key, which stays the same when replies are added. */
export function keyOf({ message, replies = [message] }: Row): string {
  return replies[0]?.id ?? message.id;
}

/** Returns whether a row shows a message. */
export function hasMessage({ message, replies }: Row, messageId: string): boolean {
  return message.id === messageId || replies?.some(({ id }) => id === messageId) === true;
}

interface MessageTime {
  readonly ms: number;
  readonly day: string;
}

const times = new WeakMap<Message, MessageTime>();

/** Every message rebuilds the rows, and parsing a time is slow. */
function timeOf(message: Message): MessageTime {
  const known = times.get(message);
  if (known !== undefined) return known;
  const date = new Date(message.createdAt);
  const when = { ms: date.getTime(), day: date.toDateString() };
  times.set(message, when);
  return when;
}

function continuesBefore(message: Message, before: Message): boolean {
  return (
    message.senderId === before.senderId &&
    message.replyTo === undefined &&
    message.forwardedFrom === undefined &&
    message.threadId === before.threadId &&
    timeOf(message).ms - timeOf(before).ms < GROUPING_MS
  );
}
