/** One thread as far as it is here: its root, and the replies in the order of `seq`. */

import type { Message } from "../../server/payloads";
import { withReplyCount } from "./timeline";

export interface Thread {
  readonly rootId: string;
  /** null: it is not here yet. */
  readonly root: Message | null;
  readonly replies: readonly Message[];
  /** Where the older replies go on; null: all are here. */
  readonly next: string | null;
  /** Why it could not be loaded; empty when it was. */
  readonly problem: string;
}

export const threadOf = (rootId: string): Thread => ({ rootId, root: null, replies: [], next: null, problem: "" });

/** A page was loaded: the newest, or one of older replies. What was told meanwhile stays. */
export function withPage(
  thread: Thread,
  { root, items, next }: { root: Message; items: readonly Message[]; next: string | null },
): Thread {
  const loaded = new Set(items.map(({ id }) => id));
  const told = thread.replies.filter(({ id }) => !loaded.has(id));
  const replies = [...items, ...told].sort((one, other) => one.seq - other.seq);
  return { ...thread, root, replies, next, problem: "" };
}

/** A message was sent: a reply is shown at the end, once; any other changes nothing. */
export function withReply(thread: Thread, message: Message): Thread {
  if (message.threadId !== thread.rootId || thread.replies.some(({ id }) => id === message.id)) return thread;
  const root = thread.root === null ? null : withReplyCount(thread.root, 1);
  return { ...thread, root, replies: [...thread.replies, message] };
}

/** The root or a reply looks different now. */
export function withThreadChange(thread: Thread, id: string, change: (message: Message) => Message): Thread {
  if (thread.root?.id === id) return { ...thread, root: change(thread.root) };
  const index = thread.replies.findIndex((reply) => reply.id === id);
  const reply = thread.replies[index];
  return reply === undefined ? thread : { ...thread, replies: thread.replies.with(index, change(reply)) };
}
