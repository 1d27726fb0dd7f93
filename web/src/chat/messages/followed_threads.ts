/** The threads that the reader follows, newest reply first, and how many of them have unread replies. */

import type { FollowedThread, FollowedThreadsAnswer, Message, ThreadMark } from "@talkwire/client";
import { type ChatPart, own, tombstone, withReplyAtRoot, withThread } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { PageCore } from "../page_core";

export interface FollowedThreadsState {
  readonly items: readonly FollowedThread[];
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null;
  /** How many of all followed threads have unread replies. */
  readonly unread: number;
  /** The numbers of unread replies by the ids of roots, as far as they are known. */
  readonly unreadCounts: Readonly<Record<string, number>>;
  readonly isLoaded: boolean;
}

const NOTHING: FollowedThreadsState = { items: [], next: null, unread: 0, unreadCounts: {}, isLoaded: false };
const PAGE = 20;
const PAUSE_MS = 300;

export class FollowedThreads implements ChatPart {
  readonly state: StoreApi<FollowedThreadsState> = createStore<FollowedThreadsState>(() => NOTHING);
  readonly #core: PageCore;
  /** For each page that is on its way, the roots of the threads that have changed since it was requested. */
  readonly #requests = new Set<Set<string>>();
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(core: PageCore) {
    this.#core = core;
    core.on("thread:marked", (mark) => this.#marked(mark));
    core.on("message:new", (message) => this.#replied(message));
    core.on("message:updated", (message) => this.#change(message.id, () => message));
    core.on("message:deleted", ({ messageId, deletedAt }) =>
      this.#change(messageId, (root) => tombstone(root, deletedAt)),
    );
    core.on("thread:updated", ({ messageId, thread }) => this.#change(messageId, (root) => withThread(root, thread)));
    core.on("conversation:deleted", () => this.#reloadSoon());
    core.on("member:removed", ({ userId }) => {
      if (userId === core.now.me.id) this.#reloadSoon();
    });
  }

  connected(): void {
    void this.load();
  }

  stopped(): void {
    clearTimeout(this.#waiting);
  }

  /** Loads the first page, or the next one. The next connection tries again when it fails. */
  async load(cursor: string | null = null): Promise<void> {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    const where = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `threads?limit=${PAGE}${where}`;
    const changed = new Set<string>();
    this.#requests.add(changed);
    const page = await this.#core.rest.get<FollowedThreadsAnswer>(path).catch(() => null);
    this.#requests.delete(changed);
    if (page === null) return;
    // Whether it was read before or after a change is unknown.
    if (page.items.some(({ root }) => changed.has(root.id))) this.#reloadSoon();
    this.state.setState((before) => {
      const known = new Set(page.items.map(({ root }) => root.id));
      const kept = cursor === null ? [] : before.items.filter(({ root }) => !known.has(root.id));
      const loaded = Object.fromEntries(page.items.map(({ root, unreadCount }) => [root.id, unreadCount]));
      const unreadCounts = cursor === null ? loaded : { ...before.unreadCounts, ...loaded };
      return { items: [...kept, ...page.items], next: page.next, unread: page.unread, unreadCounts, isLoaded: true };
    });
  }

  /** A thread that is not loaded may be new, so the server counts again. */
  #marked({ messageId, following, readSeq, unreadCount }: ThreadMark): void {
    this.#changed(messageId);
    const { items, unread, unreadCounts } = this.state.getState();
    const item = items.find(({ root }) => root.id === messageId);
    if (item === undefined || !following) {
      this.#reloadSoon();
      return;
    }
    const was = own(unreadCounts, messageId) ?? 0;
    this.state.setState({
      items: items.map((each) => (each === item ? { ...each, readSeq, unreadCount } : each)),
      unread: unread + Number(unreadCount > 0) - Number(was > 0),
      unreadCounts: { ...unreadCounts, [messageId]: unreadCount },
    });
  }

  /** Puts the thread of a new reply first. */
  #replied(reply: Message): void {
    const { items } = this.state.getState();
    if (reply.threadId !== undefined) this.#changed(reply.threadId);
    const item = items.find(({ root }) => root.id === reply.threadId);
    const { lastReplyAt = "" } = item?.root.thread ?? {};
    if (item === undefined || reply.createdAt < lastReplyAt) return;
    // One of the same millisecond may be counted already.
    if (reply.createdAt === lastReplyAt) {
      this.#reloadSoon();
      return;
    }
    const changed = { ...item, root: withReplyAtRoot(item.root, reply) };
    this.state.setState({ items: [changed, ...items.filter((each) => each !== item)] });
  }

  #changed(rootId: string): void {
    for (const changed of this.#requests) changed.add(rootId);
  }

  #change(id: string, change: (root: Message) => Message): void {
    this.#changed(id);
    const { items } = this.state.getState();
    if (!items.some(({ root }) => root.id === id)) return;
    this.state.setState({
      items: items.map((each) => (each.root.id === id ? { ...each, root: change(each.root) } : each)),
    });
  }

  #reloadSoon(): void {
    this.#waiting ??= setTimeout(() => void this.load(), PAUSE_MS);
  }
}
