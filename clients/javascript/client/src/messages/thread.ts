/** A thread: its root, and the loaded replies in the order of `seq`. All functions are pure. */

import { bySender } from "../conversations/membership.ts";
import type { Message, ThreadAnswer, User } from "../server/payloads.ts";
import { withExcerpt, withReplyAtRoot } from "./timeline.ts";

export interface Thread {
  readonly rootId: string;
  /** Null until it is loaded. */
  readonly root: Message | null;
  readonly replies: readonly Message[];
  /** The cursor of older replies; null when all are loaded. */
  readonly next: string | null;
  /** Why it could not be loaded; empty when it was. */
  readonly problem: string;
  /** Whether the reader follows it; undefined until it is loaded. */
  readonly following?: boolean;
  /**
   * The `seq` after which the replies were unread when it was opened, or have come while nobody looked; null: none;
   * undefined until it is loaded.
   */
  readonly unreadAfter?: number | null;
  /** The reply at which the reader has opened it. */
  readonly wantedId?: string;
}

/** A page of the server. Without `unreadCount`, nothing is unread. */
export type ThreadPage = Omit<ThreadAnswer, "readSeq" | "unreadCount"> &
  Partial<Pick<ThreadAnswer, "readSeq" | "unreadCount">>;

export const threadOf = (rootId: string): Thread => ({ rootId, root: null, replies: [], next: null, problem: "" });

/** Adds a loaded page, and keeps replies that arrived meanwhile. The root of the first page does not count these. */
export function withPage(
  thread: Thread,
  { root, items, next, following, readSeq = 0, unreadCount = 0 }: ThreadPage,
): Thread {
  const loaded = new Set(items.map(({ id }) => id));
  const received = thread.replies.filter(({ id }) => !loaded.has(id));
  const replies = [...items, ...received].sort((one, other) => one.seq - other.seq);
  const lastSeq = items.at(-1)?.seq ?? 0;
  const counted = thread.root ?? received.filter(({ seq }) => seq > lastSeq).reduce(withReplyAtRoot, root);
  const { unreadAfter = unreadCount > 0 ? readSeq : null } = thread;
  return { ...thread, root: counted, replies, next, problem: "", following, unreadAfter };
}

/** Whether the first unread reply may be on an older page. */
export function lacksUnread({ next, unreadAfter, replies }: Thread): boolean {
  return next !== null && unreadAfter != null && (replies[0]?.seq ?? 0) > unreadAfter;
}

/** Whether the reply at which it was opened may be on a page that is not loaded. */
export function lacksWanted({ root, next, wantedId, replies }: Thread): boolean {
  const mayCome = root === null || next !== null;
  return wantedId !== undefined && mayCome && !replies.some(({ id }) => id === wantedId);
}

/** Whether the reply at which its list starts may be on a page that is not loaded: the wanted one or the first unread. */
export function lacksStart(thread: Thread): boolean {
  return thread.wantedId === undefined ? lacksUnread(thread) : lacksWanted(thread);
}

/** Returns the first reply that was unread when the thread was opened, if it is loaded. */
export function firstUnread(thread: Thread, myId: string): Message | undefined {
  const { unreadAfter, replies } = thread;
  if (unreadAfter == null || lacksUnread(thread)) return undefined;
  return replies.find(({ seq, senderId }) => seq > unreadAfter && senderId !== myId);
}

/** Appends a new reply once; ignores messages of other threads. */
export function withReply(thread: Thread, message: Message): Thread {
  if (message.threadId !== thread.rootId || thread.replies.some(({ id }) => id === message.id)) return thread;
  const root = thread.root === null ? null : withReplyAtRoot(thread.root, message);
  return { ...thread, root, replies: [...thread.replies, message] };
}

/** Shows a new reply as unread, which has come while nobody looked. `readSeq`: the `seq` up to which replies were read. */
export function withUnread(thread: Thread, { threadId, seq }: Message, readSeq: number): Thread {
  const { rootId, replies, unreadAfter } = thread;
  const isKnown = seq <= readSeq || replies.some((reply) => reply.seq === seq);
  // What is unread in a thread that is not loaded comes with its page.
  if (threadId !== rootId || isKnown || unreadAfter === undefined) return thread;
  const known = unreadAfter ?? replies.at(-1)?.seq ?? 0;
  return { ...thread, unreadAfter: Math.max(known, readSeq) };
}

/** Updates the sender of a user's messages. */
export function withSenderInThread(thread: Thread, user: User): Thread {
  const updated = bySender(user);
  return { ...thread, root: thread.root === null ? null : updated(thread.root), replies: thread.replies.map(updated) };
}

/** Changes the root or a reply. */
export function withThreadChange(thread: Thread, id: string, change: (message: Message) => Message): Thread {
  if (thread.root?.id === id) return { ...thread, root: change(thread.root) };
  const index = thread.replies.findIndex((reply) => reply.id === id);
  const reply = thread.replies[index];
  return reply === undefined ? thread : { ...thread, replies: thread.replies.with(index, change(reply)) };
}

/** Changes how the messages of a thread quote a message. */
export function withQuotes(thread: Thread, quotedId: string, content: string): Thread {
  const root = thread.root === null ? null : withExcerpt(thread.root, quotedId, content);
  const replies = thread.replies.map((reply) => withExcerpt(reply, quotedId, content));
  const isSame = root === thread.root && replies.every((reply, index) => reply === thread.replies[index]);
  return isSame ? thread : { ...thread, root, replies };
}
