/** A thread: its root, and the loaded replies in the order of `seq`. All functions are pure. */

import type { Message } from "../../server/payloads";
import { withReplyCount } from "./timeline";

export interface Thread {
  readonly rootId: string;
  /** Null until it is loaded. */
  readonly root: Message | null;
  readonly replies: readonly Message[];
  /** The cursor of older replies; null when all are loaded. */
  readonly next: string | null;
  /** Why it could not be loaded; empty when it was. */
  readonly problem: string;
}

export const threadOf = (rootId: string): Thread => ({ rootId, root: null, replies: [], next: null, problem: "" });

/** Adds a loaded page, and keeps replies that arrived meanwhile. */
export function withPage(
  thread: Thread,
  { root, items, next }: { root: Message; items: readonly Message[]; next: string | null },
): Thread {
  const loaded = new Set(items.map(({ id }) => id));
  const told = thread.replies.filter(({ id }) => !loaded.has(id));
  const replies = [...items, ...told].sort((one, other) => one.seq - other.seq);
  return { ...thread, root, replies, next, problem: "" };
}

/** Appends a new reply once; ignores messages of other threads. */
export function withReply(thread: Thread, message: Message): Thread {
  if (message.threadId !== thread.rootId || thread.replies.some(({ id }) => id === message.id)) return thread;
  const root = thread.root === null ? null : withReplyCount(thread.root, 1);
  return { ...thread, root, replies: [...thread.replies, message] };
}

/** Changes the root or a reply. */
export function withThreadChange(thread: Thread, id: string, change: (message: Message) => Message): Thread {
  if (thread.root?.id === id) return { ...thread, root: change(thread.root) };
  const index = thread.replies.findIndex((reply) => reply.id === id);
  const reply = thread.replies[index];
  return reply === undefined ? thread : { ...thread, replies: thread.replies.with(index, change(reply)) };
}
