/** The thread that is open beside its conversation. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { ChatPart, Core } from "../core.ts";
import type { Message, ThreadAnswer } from "../server/payloads.ts";
import { onCardChanged } from "./message_cards.ts";
import {
  lacksStart,
  type Thread,
  threadOf,
  withPage,
  withQuotes,
  withReply,
  withSenderInThread,
  withThreadChange,
  withUnread,
} from "./thread.ts";
import { excerptOf, tombstone, withRepliesOf, withThread } from "./timeline.ts";

/** A change that may be repeated. */
type Change = (thread: Thread) => Thread;

export class Threads implements ChatPart {
  readonly state: StoreApi<{ readonly thread: Thread | null }> = createStore<{ thread: Thread | null }>(() => ({
    thread: null,
  }));
  /** Whether the end of the open thread is in sight of somebody, so that new replies are read at once. */
  isWatched = false;
  readonly #core: Core;
  /** The `seq` up to which the open thread was read here. */
  #readSeq = 0;
  /** Older replies that are being loaded. */
  #older: Promise<void> | null = null;
  /** The changes that arrived while a page was on its way, which may have been read before them. */
  readonly #requests = new Set<Change[]>();

  constructor(core: Core) {
    this.#core = core;
    core.on("message:new", (message) => this.#update((thread) => this.#withReply(thread, withRepliesOf(message))));
    core.on("user:updated", (user) => this.#change((thread) => withSenderInThread(thread, user)));
    core.on("message:updated", (message) => {
      this.#changeMessage(message.id, (before) => withRepliesOf(message, before));
      this.#change((thread) => withQuotes(thread, message.id, excerptOf(message)));
    });
    core.on("message:deleted", ({ messageId, deletedAt }) => {
      this.#changeMessage(messageId, (message) => tombstone(message, deletedAt));
      this.#change((thread) => withQuotes(thread, messageId, ""));
    });
    core.on("thread:updated", ({ messageId, thread }) =>
      this.#changeMessage(messageId, (root) => withThread(root, thread)),
    );
    core.on("thread:marked", ({ messageId, following }) =>
      this.#change((thread) => (thread.rootId === messageId ? { ...thread, following } : thread)),
    );
    core.on("message:reaction", ({ messageId, reactions }) =>
      this.#changeMessage(messageId, (message) => ({ ...message, reactions })),
    );
    onCardChanged(core, ({ messageId, how, excerpt }) => {
      this.#changeMessage(messageId, how);
      if (excerpt !== undefined) this.#change((thread) => withQuotes(thread, messageId, excerpt));
    });
    core.growing.handlers.push((grown) => {
      for (const id of grown.keys()) this.#changeMessage(id, (message) => core.growing.of(message));
    });
    core.on("message:pinned", ({ messageId }) =>
      this.#changeMessage(messageId, (message) => ({ ...message, pinned: true })),
    );
    core.on("message:unpinned", ({ messageId }) =>
      this.#changeMessage(messageId, (message) => ({ ...message, pinned: false })),
    );
  }

  loaded(): void {
    const { thread } = this.state.getState();
    if (thread !== null) void this.open(thread.rootId);
  }

  /** Opens a thread, and loads replies back to the wanted one, otherwise to the first unread one. */
  async open(rootId: string, messageId?: string): Promise<void> {
    const { thread: before } = this.state.getState();
    if (before?.rootId !== rootId) this.#readSeq = 0;
    // What was unread stays marked while the thread is open, until more is.
    const isMarked = before?.rootId === rootId && before.unreadAfter != null && before.unreadAfter >= this.#readSeq;
    const unread = isMarked ? { unreadAfter: before.unreadAfter } : {};
    const wanted = messageId === undefined ? {} : { wantedId: messageId };
    this.state.setState({ thread: { ...threadOf(rootId), ...unread, ...wanted } });
    await this.#load(rootId, "");
    while (this.#lacks(rootId)) await this.loadOlder();
  }

  /** Closes a thread, unless another one is open by now. */
  close(rootId: string): void {
    if (this.state.getState().thread?.rootId === rootId) this.state.setState({ thread: null });
  }

  /** Follows a thread, or stops following it. Rejects with `RequestError`. */
  async follow(messageId: string, follows: boolean): Promise<void> {
    await this.#core.call(follows ? "thread:follow" : "thread:unfollow", { messageId });
  }

  /** Marks the loaded replies of the open thread as read. The next reply tries again when it fails. */
  async markRead(): Promise<void> {
    const { thread } = this.state.getState();
    const last = thread?.replies.at(-1);
    if (thread === null || last === undefined) return;
    this.#readSeq = last.seq;
    await this.#core.call("thread:read", { messageId: thread.rootId, replyId: last.id }).catch(() => undefined);
  }

  #withReply(thread: Thread, reply: Message): Thread {
    const isSeen = this.isWatched || reply.senderId === this.#core.now.me.id;
    return withReply(isSeen ? thread : withUnread(thread, reply, this.#readSeq), reply);
  }

  /** Loads older replies; a call during the load waits for it. */
  loadOlder(): Promise<void> {
    this.#older ??= this.#loadOlder().finally(() => {
      this.#older = null;
    });
    return this.#older;
  }

  async #loadOlder(): Promise<void> {
    const { thread } = this.state.getState();
    if (thread !== null && thread.next !== null) await this.#load(thread.rootId, `&before=${thread.next}`);
  }

  async #load(rootId: string, where: string): Promise<void> {
    const path = `messages/${encodeURIComponent(rootId)}/thread?limit=50${where}`;
    const changes: Change[] = [];
    this.#requests.add(changes);
    try {
      const { growing, rest } = this.#core;
      const page = await rest.get<ThreadAnswer>(path);
      page.items = page.items.map((message) => growing.of(message));
      const after = (thread: Thread): Thread => changes.reduce((before, change) => change(before), thread);
      this.#update((thread) => (thread.rootId === rootId ? after(withPage(thread, page)) : thread));
    } catch (error) {
      const problem = (error as Error).message;
      this.#update((thread) => (thread.rootId === rootId ? { ...thread, problem } : thread));
    } finally {
      this.#requests.delete(changes);
    }
  }

  #lacks(rootId: string): boolean {
    const { thread } = this.state.getState();
    if (thread === null || thread.rootId !== rootId || thread.next === null || thread.problem !== "") return false;
    return lacksStart(thread);
  }

  #changeMessage(id: string, change: (message: Message) => Message): void {
    this.#change((thread) => withThreadChange(thread, id, change));
  }

  #change(change: Change): void {
    for (const changes of this.#requests) changes.push(change);
    this.#update(change);
  }

  #update(change: Change): void {
    const { thread } = this.state.getState();
    if (thread !== null) this.state.setState({ thread: change(thread) });
  }
}
