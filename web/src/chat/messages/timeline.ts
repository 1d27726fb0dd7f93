/** A conversation's messages as far as they are here: one stretch without holes, in the order of `seq`. */

import type { Message, Offer } from "../../server/payloads";

export interface Timeline {
  readonly messages: readonly Message[];
  /** Whether nothing is older, or newer, than what is here. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

export const EMPTY: Timeline = { messages: [], atStart: true, atEnd: true };

const firstSeq = (timeline: Timeline): number => timeline.messages[0]?.seq ?? Number.POSITIVE_INFINITY;
const lastSeq = (timeline: Timeline): number => timeline.messages.at(-1)?.seq ?? 0;

/** A page from anywhere was loaded: it joins what is here where both touch, else it takes its place. */
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

/** More than this is not kept of a conversation: however long somebody reads, the page does not grow. */
export const KEPT_MAX = 600;
const TRIMMED_TO = 400;

/** Lets go of the end from which the reader is far; it is loaded again when they come near. */
export function trimmed(timeline: Timeline, end: "oldest" | "newest"): Timeline {
  const { messages } = timeline;
  if (messages.length <= TRIMMED_TO) return timeline;
  if (end === "oldest") return { ...timeline, messages: messages.slice(-TRIMMED_TO), atStart: false };
  return { ...timeline, messages: messages.slice(0, TRIMMED_TO), atEnd: false };
}

/** The newest messages of a timeline that has the conversation's end. */
export function newestOf(timeline: Timeline, count: number): Timeline {
  const { messages, atStart } = timeline;
  return { messages: messages.slice(-count), atStart: atStart && messages.length <= count, atEnd: timeline.atEnd };
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

/** The newest of the reader's own that may be edited, in the conversation itself or in a thread of it. */
export function lastOwnMessage(timeline: Timeline | undefined, myId: string, threadId?: string): Message | undefined {
  return timeline?.messages.findLast(
    (message) => message.senderId === myId && message.deletedAt === undefined && message.threadId === threadId,
  );
}

/** What is left of a message that was taken back. */
export function tombstone(message: Message, deletedAt: string): Message {
  const { id, conversationId, seq, senderId, sender, type, createdAt, threadId, replyCount } = message;
  const left: Message = { id, conversationId, seq, senderId, sender, type, createdAt, deletedAt };
  if (threadId !== undefined) left.threadId = threadId;
  // A thread stays when its root is taken back.
  if (replyCount !== undefined) left.replyCount = replyCount;
  return left;
}

/** So many more, or fewer, replies are in the thread that the message is the root of. */
export function withReplyCount(message: Message, more: number): Message {
  return { ...message, replyCount: Math.max(0, (message.replyCount ?? 0) + more) };
}

// --- rows ------------------------------------------------------------------------------------------------------------

/** What stands in the list: a message, or replies in one thread that follow each other. */
export interface Row {
  /** The message, or the newest of the replies. */
  readonly message: Message;
  /** The replies, the oldest first; absent for a message of the conversation itself. */
  readonly replies?: readonly Message[];
  /** Whether a day begins with it. */
  readonly startsDay: boolean;
  /** Whether the unread begins with it. */
  readonly startsUnread: boolean;
  /** Whether it is by the same person as the one just before. */
  readonly continued: boolean;
  /** Offers that were made before it, where nothing else was, and after it. */
  readonly offersBefore?: readonly Offer[];
  readonly offersAfter?: readonly Offer[];
}

const GROUPING_MS = 5 * 60_000;

/**
 * `unreadAfter`: the `seq` up to which everything was read when the conversation was opened; null when all was. Where that
 * is not loaded, nobody can say which message is the first unread one.
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

/** What names a row as long as its first message is here, whatever replies follow. */
export function keyOf({ message, replies = [message] }: Row): string {
  return replies[0]?.id ?? message.id;
}

/** Whether a message stands in a row. */
export function hasMessage({ message, replies }: Row, messageId: string): boolean {
  return message.id === messageId || replies?.some(({ id }) => id === messageId) === true;
}

interface MessageTime {
  readonly ms: number;
  readonly day: string;
}

const times = new WeakMap<Message, MessageTime>();

/** Rows are made anew with each message, and reading a time takes long. */
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
