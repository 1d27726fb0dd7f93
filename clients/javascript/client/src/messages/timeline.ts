/** The loaded messages of a conversation: a range without gaps, in the order of `seq`. All functions are pure. */

import { given } from "../given.ts";
import type { Message, ThreadSummary } from "../server/payloads.ts";
import { withoutQuotesOf } from "./message_parts.ts";

export interface Timeline {
  readonly messages: readonly Message[];
  /** Whether the conversation's first, and last, message is loaded. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
  /** The `seq` up to which the range reaches, where replies in threads that are left out follow the last message. */
  readonly upTo?: number;
}

export const EMPTY: Timeline = { messages: [], atStart: true, atEnd: true };

const firstSeq = (timeline: Timeline): number => timeline.messages[0]?.seq ?? Number.POSITIVE_INFINITY;
/** The `seq` up to which a range reaches; 0 without messages. */
export const lastSeq = ({ messages, upTo = 0 }: Timeline): number => Math.max(messages.at(-1)?.seq ?? 0, upTo);

/** Returns the same range, which reaches at least to a `seq` now. */
export function reaching(timeline: Timeline, seq: number): Timeline {
  return seq > lastSeq(timeline) ? { ...timeline, upTo: seq } : timeline;
}

/** Merges a loaded page where it touches the loaded range; otherwise it replaces the range. */
export function merged(timeline: Timeline | undefined, page: Timeline): Timeline {
  if (timeline === undefined || timeline.messages.length === 0 || page.messages.length === 0) return page;
  const [first, last] = [firstSeq(page), lastSeq(page)];
  if (first > lastSeq(timeline) + 1 || last < firstSeq(timeline) - 1) return page;
  const older = timeline.messages.filter(({ seq }) => seq < first);
  const newer = timeline.messages.filter(({ seq }) => seq > last);
  const end = newer.length > 0 ? timeline : page;
  const both = {
    messages: [...older, ...page.messages, ...newer],
    atStart: older.length > 0 ? timeline.atStart : page.atStart,
    atEnd: end.atEnd,
  };
  return reaching(both, end.upTo ?? 0);
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
 * it until it is loaded. An empty range starts with the message instead, and what is missing is before its start: the
 * answer to one's own first message may overtake the event of another one.
 */
export function withNew(timeline: Timeline, message: Message): Timeline {
  const last = lastSeq(timeline);
  if (message.seq <= last || !timeline.atEnd) return timeline;
  const isBehindGap = message.seq > last + 1;
  if (isBehindGap && timeline.messages.length > 0) return { ...timeline, atEnd: false };
  return { ...timeline, messages: [...timeline.messages, message], atStart: timeline.atStart && !isBehindGap };
}

/** Notes a new reply in a thread, which the range leaves out. Behind a gap, the range ends before it. */
export function withoutReply(timeline: Timeline, { seq }: Message): Timeline {
  const last = lastSeq(timeline);
  if (seq <= last || !timeline.atEnd) return timeline;
  return seq > last + 1 ? { ...timeline, atEnd: false } : { ...timeline, upTo: seq };
}

/** At most this many messages are loaded, however long somebody reads. */
export const KEPT_MAX = 600;
const TRIMMED_TO = 400;

/** Drops messages at the end that is far from the reader; they are loaded again when needed. */
export function trimmed(timeline: Timeline, end: "oldest" | "newest"): Timeline {
  const { messages } = timeline;
  if (messages.length <= TRIMMED_TO) return timeline;
  if (end === "oldest") return { ...timeline, messages: messages.slice(-TRIMMED_TO), atStart: false };
  return { messages: messages.slice(0, TRIMMED_TO), atStart: timeline.atStart, atEnd: false };
}

/** Returns the newest messages of a timeline that includes the conversation's end. */
export function newestOf(timeline: Timeline, count: number): Timeline {
  const { messages, atStart } = timeline;
  return { ...timeline, messages: messages.slice(-count), atStart: atStart && messages.length <= count };
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
    ({ senderId, deletedAt, forwardedFrom, card, threadId: place }) =>
      senderId === myId && (deletedAt ?? forwardedFrom ?? card) === undefined && place === threadId,
  );
}

/** Returns what is left of a deleted message. */
export function tombstone(message: Message, deletedAt: string): Message {
  const { id, conversationId, seq, senderId, sender, type, createdAt, clientMessageId, threadId, replyCount, thread } =
    message;
  const left: Message = { id, conversationId, seq, senderId, sender, type, createdAt, deletedAt };
  if (clientMessageId !== undefined) left.clientMessageId = clientMessageId;
  if (threadId !== undefined) left.threadId = threadId;
  // A thread stays when its root is deleted.
  if (replyCount !== undefined) left.replyCount = replyCount;
  if (thread !== undefined) left.thread = thread;
  return left;
}

/**
 * Returns a message as an event has brought it, with what was known of its thread before. In a missed event the thread
 * is that of now, which includes replies that have events of their own.
 */
export function withRepliesOf({ replyCount: _, thread: __, ...received }: Message, before?: Message): Message {
  return {
    ...received,
    ...given({ replyCount: before?.replyCount, thread: before?.thread }),
  };
}

/** At most this many people are shown at a thread's root. */
const PARTICIPANTS_MAX = 5;

/** Changes a thread's root as the server does when a reply arrives. May be repeated: a page may have counted it already. */
export function withReplyAtRoot(root: Message, reply: Message): Message {
  if (countsReply(root.thread, reply)) return root;
  const { createdAt, sender } = reply;
  const replyCount = (root.replyCount ?? 0) + 1;
  const others = (root.thread?.participants ?? []).filter(({ id }) => id !== sender.id);
  const participants = [sender, ...others].slice(0, PARTICIPANTS_MAX);
  return { ...root, replyCount, thread: { replyCount, lastReplyAt: createdAt, participants } };
}

/** Whether the newest reply that a root knows is this one or came after it. */
function countsReply(thread: ThreadSummary | undefined, { createdAt, sender }: Message): boolean {
  const lastReplyAt = thread?.lastReplyAt ?? "";
  // Two people may reply in the same millisecond.
  return lastReplyAt > createdAt || (lastReplyAt === createdAt && thread?.participants[0]?.id === sender.id);
}

/** Changes what a root shows of its thread; undefined: no replies are left. */
export function withThread({ thread: _, ...root }: Message, thread: ThreadSummary | undefined): Message {
  return thread === undefined ? { ...root, replyCount: 0 } : { ...root, replyCount: thread.replyCount, thread };
}

/** The server quotes this many characters of a message. */
const EXCERPT_LENGTH = 200;

/** Returns how the server quotes a message in its replies. */
export function excerptOf({ content = "" }: Pick<Message, "content">): string {
  return content.length <= EXCERPT_LENGTH ? content : Array.from(content).slice(0, EXCERPT_LENGTH).join("");
}

/** Changes how a message quotes another one. Quotes in its sources are copies, which only a deletion removes. */
export function withExcerpt(quoting: Message, quotedId: string, content: string): Message {
  const reply = content === "" ? withoutQuotesOf(quoting, quotedId) : quoting;
  return reply.replyTo?.id === quotedId ? { ...reply, replyTo: { ...reply.replyTo, content } } : reply;
}
