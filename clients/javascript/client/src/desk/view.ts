/** One list of a desk: loaded in pages, and kept right by events. */

import type { Client } from "../client.ts";
import type { ConversationsById } from "../conversations/conversations_by_id.ts";
import { Emitter } from "../emitter.ts";
import { own } from "../own.ts";
import { pauseAfter } from "../server/pauses.ts";
import type { Conversation } from "../server/payloads.ts";
import { RequestError } from "../server/request_error.ts";
import { type DeskViewName, inOrder, isIn, questionOf } from "./places.ts";

const PAGE = 50;
const PAGE_MAX = 100;
/** Fewer conversations than this make a view load its next page by itself. */
const SHOWN_MIN = 20;

/** What an event says of a conversation that is not loaded. */
export interface Arrival {
  /** The teams of the conversation, if the event says them. */
  readonly teamIds?: readonly string[];
  /** Since when a customer waits. */
  readonly since?: string | null;
  /** Whether the reader handles it. */
  readonly isMine?: boolean;
}

/** What happens in a view of a desk. */
export interface DeskViewEvents {
  /** Anything that the view shows has changed. */
  change: DeskView;
}

/** A list of a desk's conversations. `Desk.view` returns it, and loads its first page. */
export class DeskView {
  readonly name: DeskViewName;
  readonly #teamId: string;
  readonly #client: Client;
  readonly #events = new Emitter<DeskViewEvents>();
  /** The loaded conversations of the view. */
  #ids: ReadonlySet<string> = new Set();
  #conversations: readonly Conversation[] = [];
  #loaded = false;
  /** Grows when events may have been missed, so that what was loaded before is stale. */
  #generation = 1;
  #loadedGeneration = 0;
  /** The cursor of the next page; null on the last one. */
  #next: string | null = null;
  #loading: Promise<void> | undefined;
  #error: RequestError | null = null;
  #failures = 0;
  #handlers = 0;

  /** @internal */
  constructor(name: DeskViewName, teamId: string, client: Client) {
    this.name = name;
    this.#teamId = teamId;
    this.#client = client;
    client.core.state.subscribe((now, before) => {
      if (now.conversations !== before.conversations) this.#follow(now.conversations, before.conversations);
    });
    void this.refresh();
  }

  /** Calls `handler` each time. Returns a function that ends this. The view is kept right while there is a handler. */
  on<Name extends keyof DeskViewEvents>(name: Name, handler: (payload: DeskViewEvents[Name]) => void): () => void {
    const off = this.#events.on(name, handler);
    this.#handlers += 1;
    void this.refresh();
    let isOver = false;
    return () => {
      off();
      if (!isOver) this.#handlers -= 1;
      isOver = true;
    };
  }

  /** The loaded conversations, in the view's order. */
  get conversations(): readonly Conversation[] {
    return this.#conversations;
  }

  /** Whether the first page is loaded. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Whether there are more conversations than those that are loaded. */
  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Why the view could not be loaded, for example `not_found` for a team of others; null if it was. */
  get error(): RequestError | null {
    return this.#error;
  }

  /** Loads the next page. Rejects with `RequestError`. */
  async loadMore(): Promise<void> {
    await this.#loading?.catch(() => undefined);
    if (this.#isStale || this.#next !== null) await this.#load(!this.#isStale);
  }

  /** @internal Whether somebody looks at it. */
  get isShown(): boolean {
    return this.#handlers > 0;
  }

  /** @internal Notes that events may have been missed: the view loads again as soon as somebody looks at it. */
  setStale(): void {
    this.#generation += 1;
  }

  /** @internal Loads the view again, if that is needed and possible. */
  async refresh(): Promise<void> {
    if (!this.#isStale || !this.#client.core.now.connected || this.#loading !== undefined) return;
    try {
      await this.#load(false);
    } catch (error) {
      const pause = pauseAfter(this.#failures, error);
      this.#failures += 1;
      if (this.#error === null && this.isShown) setTimeout(() => void this.refresh(), pause);
    }
  }

  /** @internal Returns whether the view may have a conversation that is not loaded, at a place that is loaded. */
  mayHave({ teamIds, since, isMine }: Arrival): boolean {
    if (teamIds?.includes(this.#teamId) === false) return false;
    if (this.name === "mine") return isMine ?? this.hasMore;
    if (this.name !== "waiting") return true;
    // The event of a new membership says no time.
    if (since === undefined) return teamIds !== undefined;
    if (since === null) return false;
    return !this.hasMore || since <= (this.#conversations.at(-1)?.waitingSince ?? "");
  }

  get #isStale(): boolean {
    return this.#generation !== this.#loadedGeneration;
  }

  /** Loads the next page, or instead of everything that is loaded as many conversations as these were. */
  #load(isNext: boolean): Promise<void> {
    this.#loading ??= this.#replace(isNext).finally(() => {
      this.#loading = undefined;
      this.#events.emit("change", this);
      if (this.#error === null) this.#continue();
    });
    return this.#loading;
  }

  async #replace(isNext: boolean): Promise<void> {
    const generation = this.#generation;
    try {
      const found = new Set(isNext ? this.#ids : []);
      const wanted = isNext ? found.size + 1 : Math.max(this.#ids.size, 1);
      let next = isNext ? this.#next : null;
      do {
        const page = await this.#request(isNext ? PAGE : Math.min(Math.max(PAGE, wanted), PAGE_MAX), next);
        next = page.next;
        for (const { id } of page.items) found.add(id);
      } while (next !== null && found.size < wanted);
      // A page that follows what is stale is of no use.
      if (isNext && generation !== this.#generation) return;
      this.#ids = found;
      this.#next = next;
      this.#loaded = true;
      this.#error = null;
      this.#failures = 0;
      this.#loadedGeneration = generation;
      if (!this.#isStale) this.#include(this.#client.core.now.conversations, {});
    } catch (error) {
      if (!isNext && error instanceof RequestError) this.#error = error.isTransient ? null : error;
      throw error;
    }
  }

  async #request(
    limit: number,
    cursor: string | null,
  ): Promise<{ items: readonly Conversation[]; next: string | null }> {
    let next: string | null = null;
    const { core, conversations } = this.#client;
    const items = await conversations.loadAs(async () => {
      const reply = await core.call("conversations:list", {
        ...questionOf(this.name, this.#teamId),
        limit,
        ...(cursor !== null && { cursor }),
      });
      next = reply.cursor ?? null;
      return reply.conversations;
    });
    // Those in which nobody waits follow all others.
    const isEnd = this.name === "waiting" && items.some(({ waitingSince }) => typeof waitingSince !== "string");
    return { items, next: isEnd ? null : next };
  }

  /** Loads again what became stale meanwhile, and the next page if nearly all conversations have left the view. */
  #continue(): void {
    if (this.#isStale) void this.refresh();
    else if (this.hasMore && this.#conversations.length < SHOWN_MIN) void this.loadMore().catch(() => undefined);
  }

  /** Follows a change of conversations. What is stale stays as it is until it is loaded again. */
  #follow(now: ConversationsById, before: ConversationsById): void {
    if (this.#isStale || !this.#include(now, before)) return;
    this.#events.emit("change", this);
    if (this.#loading === undefined) this.#continue();
  }

  /**
   * Adds the changed conversations whose place is among those that are loaded, and renews what is shown. Returns whether
   * that has changed.
   */
  #include(now: ConversationsById, before: ConversationsById): boolean {
    const last = this.#conversations.at(-1);
    const ids = new Set(this.#ids);
    for (const [id, each] of Object.entries(now)) {
      if (each === before[id] || !this.#has(each)) continue;
      if (!this.hasMore || (last !== undefined && inOrder(this.name, each, last) <= 0)) ids.add(id);
    }
    const shown = [...ids].flatMap((id) => own(now, id) ?? []).filter((each) => this.#has(each));
    shown.sort((one, other) => inOrder(this.name, one, other));
    this.#ids = new Set(shown.map(({ id }) => id));
    const { length } = this.#conversations;
    if (shown.length === length && shown.every((each, at) => each === this.#conversations[at])) return false;
    this.#conversations = shown;
    return true;
  }

  #has(conversation: Conversation): boolean {
    return isIn(this.name, conversation, this.#teamId, this.#client.core.now.me.id);
  }
}
