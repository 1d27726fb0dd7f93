/** The thread that is open beside its conversation. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Message, ThreadAnswer } from "../../server/payloads";
import type { ChatPart, Core } from "../core";
import { type Thread, threadOf, withPage, withReply, withThreadChange } from "./thread";
import { tombstone, withReplyCount } from "./timeline";

export class Threads implements ChatPart {
  readonly state: StoreApi<{ readonly thread: Thread | null }> = createStore<{ thread: Thread | null }>(() => ({
    thread: null,
  }));
  readonly #core: Core;
  /** Older replies that are being loaded. */
  #older: Promise<void> | null = null;

  constructor(core: Core) {
    this.#core = core;
    core.on("message:new", (message) => this.#update((thread) => withReply(thread, message)));
    core.on("message:updated", (message) => this.#change(message.id, () => message));
    core.on("message:deleted", ({ messageId, deletedAt, threadId }) => {
      this.#change(messageId, (message) => tombstone(message, deletedAt));
      if (threadId !== undefined) this.#change(threadId, (root) => withReplyCount(root, -1));
    });
    core.on("message:reaction", ({ messageId, reactions }) =>
      this.#change(messageId, (message) => ({ ...message, reactions })),
    );
    core.on("message:pinned", ({ messageId }) => this.#change(messageId, (message) => ({ ...message, pinned: true })));
    core.on("message:unpinned", ({ messageId }) =>
      this.#change(messageId, (message) => ({ ...message, pinned: false })),
    );
  }

  loaded(): void {
    const { thread } = this.state.getState();
    if (thread !== null) void this.open(thread.rootId);
  }

  /** Opens a thread, and loads replies back to the wanted one. */
  async open(rootId: string, messageId?: string): Promise<void> {
    this.state.setState({ thread: threadOf(rootId) });
    await this.#load(rootId, "");
    while (messageId !== undefined && this.#lacks(rootId, messageId)) await this.loadOlder();
  }

  /** Closes a thread, unless another one is open by now. */
  close(rootId: string): void {
    if (this.state.getState().thread?.rootId === rootId) this.state.setState({ thread: null });
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
    try {
      const page = await this.#core.api.get<ThreadAnswer>(path);
      this.#update((thread) => (thread.rootId === rootId ? withPage(thread, page) : thread));
    } catch (error) {
      const problem = (error as Error).message;
      this.#update((thread) => (thread.rootId === rootId ? { ...thread, problem } : thread));
    }
  }

  #lacks(rootId: string, messageId: string): boolean {
    const { thread } = this.state.getState();
    if (thread === null || thread.rootId !== rootId || thread.next === null || thread.problem !== "") return false;
    return !thread.replies.some(({ id }) => id === messageId);
  }

  #change(id: string, change: (message: Message) => Message): void {
    this.#update((thread) => withThreadChange(thread, id, change));
  }

  #update(change: (thread: Thread) => Thread): void {
    const { thread } = this.state.getState();
    if (thread !== null) this.state.setState({ thread: change(thread) });
  }
}
