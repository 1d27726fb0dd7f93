/** The rows in which a timeline is shown. All functions are pure. */

import type { Message, Notice, Offer } from "@talkwire/client";
import type { OutboxEntry, Timeline } from "@talkwire/client/parts";
import { isByAgent } from "./agents";

/** What is among the messages without being one. */
export type Extra = Offer | Notice;

/** A row of the list. Replies in threads have none: their root says how many there are. */
export interface Row {
  readonly message: Message;
  /** Whether it is the first of the conversation. Where earlier ones were removed, none is. */
  readonly startsConversation: boolean;
  /** Whether it is the first of its day. */
  readonly startsDay: boolean;
  /** Whether it is the first unread one. */
  readonly startsUnread: boolean;
  /** Whether the message before it has the same sender. */
  readonly continued: boolean;
  /** Offers and notices from before the first row, and from after this one. */
  readonly extrasBefore?: readonly Extra[];
  readonly extrasAfter?: readonly Extra[];
  /** The id of the offer beside it where what is unread starts. */
  readonly unreadOffer?: string;
  /** The threads that have unread replies from between this row and the next one. */
  readonly repliesAfter?: readonly UnreadReplies[];
}

/** The unread replies in one thread: the first and the newest one, and how many there are. */
export interface UnreadReplies {
  readonly rootId: string;
  readonly first: Message;
  readonly newest: Message;
  readonly count: number;
}

/** A message that is not sent yet, as the row that it will become. */
export interface UnsentRow {
  readonly entry: OutboxEntry;
  /** Whether it will be the first message of the conversation. */
  readonly startsConversation?: boolean;
  readonly startsDay: boolean;
  readonly continued: boolean;
  /** Offers and notices above it, in a conversation that has no messages yet. */
  readonly extrasBefore?: readonly Extra[];
}

const GROUPING_MS = 5 * 60_000;

/**
 * Returns the rows of a timeline. `unreadAfter`: the `seq` after which the unread messages come; null when there are none.
 * The first unread message is unknown when that `seq` is not loaded.
 */
export function rowsOf({ messages, atStart }: Timeline, unreadAfter: number | null, myId: string): Row[] {
  const isKnown = unreadAfter !== null && (atStart || (messages[0]?.seq ?? 0) <= unreadAfter + 1);
  const shown = messages.filter(({ threadId }) => threadId === undefined);
  const firstUnread = isKnown
    ? shown.find((message) => message.seq > unreadAfter && message.senderId !== myId)
    : undefined;
  return shown.map((message, index) => {
    const before = shown[index - 1];
    const place = after(before && sentBy(before), sentBy(message));
    const startsUnread = message === firstUnread;
    const startsConversation = message.seq === 1;
    return { message, ...place, startsConversation, startsUnread, continued: place.continued && !startsUnread };
  });
}

/** Attaches unread replies in threads to the rows after which the newest one of each thread was sent. */
export function rowsWithReplies(rows: readonly Row[], replies: readonly Message[]): readonly Row[] {
  if (replies.length === 0) return rows;
  const threads = new Map<string, UnreadReplies>();
  for (const newest of replies) {
    const { threadId: rootId } = newest;
    if (rootId === undefined) continue;
    const { first = newest, count = 0 } = threads.get(rootId) ?? {};
    threads.set(rootId, { rootId, first, newest, count: count + 1 });
  }
  const inOrder = [...threads.values()].sort((one, other) => one.newest.seq - other.newest.seq);
  return rows.map((row, index) => {
    const next = rows[index + 1]?.message.seq ?? Number.POSITIVE_INFINITY;
    const repliesAfter = inOrder.filter(({ newest: { seq } }) => seq > row.message.seq && seq < next);
    return repliesAfter.length === 0 ? row : { ...row, repliesAfter };
  });
}

/** Adds a reply that has arrived since to the unread ones, if others in its thread are among them. */
export function withArrived(replies: readonly Message[], reply: Message): readonly Message[] {
  const isKnown = replies.some(({ id }) => id === reply.id);
  return isKnown || !replies.some(({ threadId }) => threadId === reply.threadId) ? replies : [...replies, reply];
}

/** Returns the rows of the messages that are not sent yet. `last`: the message before them. */
export function unsentRows(entries: readonly OutboxEntry[], last: Message | undefined, myId: string): UnsentRow[] {
  const all = entries.map(({ writtenAt, replyToId }) => sentAt(myId, new Date(writtenAt), replyToId === null));
  return entries.map((entry, index) => {
    const before = all[index - 1] ?? (last && sentBy(last));
    return { entry, ...after(before, all[index] as Sent) };
  });
}

/** The sender of a message and its time, parsed once, because every message rebuilds the rows. */
interface Sent {
  /** Who is named above it: the sender, and in whose name an agent wrote it. Null for a message of the system. */
  readonly named: string | null;
  readonly ms: number;
  readonly day: string;
  /** Whether it may follow an earlier message without naming the sender again. */
  readonly isPlain: boolean;
}

const known = new WeakMap<Message, Sent>();

function sentBy(message: Message): Sent {
  const before = known.get(message);
  if (before !== undefined) return before;
  const isPlain = message.replyTo === undefined && message.forwardedFrom === undefined;
  const now = sentAt(namedIn(message), new Date(message.createdAt), isPlain);
  known.set(message, now);
  return now;
}

function namedIn(message: Message): string | null {
  const { type, senderId, onBehalfOf = "" } = message;
  if (type === "system") return null;
  return isByAgent(message) ? `${senderId} ${onBehalfOf}` : senderId; // ids have no spaces
}

function sentAt(named: string | null, date: Date, isPlain: boolean): Sent {
  return { named, ms: date.getTime(), day: date.toDateString(), isPlain };
}

/** Returns how a message looks after the one before it. */
function after(before: Sent | undefined, now: Sent): Pick<Row, "startsDay" | "continued"> {
  if (before === undefined || before.day !== now.day) return { startsDay: true, continued: false };
  const isSame = now.named !== null && before.named === now.named;
  return { startsDay: false, continued: isSame && now.isPlain && now.ms - before.ms < GROUPING_MS };
}
