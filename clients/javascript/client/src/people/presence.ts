/** The presence of contacts, and of other users who are shown. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { ChatPart, Core } from "../core.ts";
import { EndTimer } from "../end_timer.ts";
import { own } from "../own.ts";
import type { ChosenStatus, Presence } from "../server/payloads.ts";

export type PresenceByUser = Readonly<Record<string, Presence>>;

/** When the status `dnd` and a status text end; null or missing for no end. */
export interface PresenceEnds {
  readonly statusUntil?: string | null;
  readonly textUntil?: string | null;
}

/** The server's limit for subscriptions. */
const WATCHED_MAX = 1_000;

export class PresenceStore implements ChatPart {
  readonly state: StoreApi<PresenceByUser> = createStore<PresenceByUser>(() => ({}));
  readonly #core: Core;
  /** Users who are not contacts, with the number of components that show them. */
  readonly #watched = new Map<string, number>();
  readonly #subscribed = new Set<string>();
  /** The subscriptions before the connection was lost. */
  #subscribedBefore: ReadonlySet<string> = new Set();
  readonly #timer = new EndTimer(() => this.#end());
  #isReplaced = false;
  #isScheduled = false;

  constructor(core: Core) {
    this.#core = core;
    core.on("presence:update", (received) => this.state.setState({ [received.userId]: received }));
    this.state.subscribe(() => this.#end());
  }

  /** The reader's own presence. */
  get mine(): Presence | undefined {
    return own(this.state.getState(), this.#core.now.me.id);
  }

  stopped(): void {
    this.#timer.stop();
  }

  connected(): void {
    this.#subscribedBefore = new Set(this.#subscribed);
    this.#subscribed.clear();
    this.#scheduleSubscribe();
    // Presence is not in the log, so recovery does not include changes during the interruption.
    if (!this.#isReplaced) void this.#refresh();
    this.#isReplaced = false;
  }

  /** Replaces the presence of all users. */
  replace(presence: readonly Presence[]): void {
    this.#isReplaced = true;
    this.state.setState(Object.fromEntries(presence.map((each) => [each.userId, each])), true);
  }

  /** Subscribes to a user's presence while it is shown. Returns a function that ends this. */
  watch(userId: string): () => void {
    this.#watched.set(userId, (this.#watched.get(userId) ?? 0) + 1);
    this.#scheduleSubscribe();
    return () => {
      const left = (this.#watched.get(userId) ?? 1) - 1;
      if (left > 0) this.#watched.set(userId, left);
      else this.#forget(userId);
    };
  }

  /**
   * Sets the reader's status; without `text` the status text stays, with its end. `statusUntil` is for `dnd`, `textUntil`
   * for a new text. Rejects with `RequestError`.
   */
  async set(status: ChosenStatus, text?: string, ends: PresenceEnds = {}): Promise<void> {
    await this.#core.call("presence:set", { status, ...(text !== undefined && { text }), ...ends });
    this.#setMine(status, text, ends);
  }

  /** The server sends the update only to other devices. */
  #setMine(status: ChosenStatus, text: string | undefined, { statusUntil, textUntil }: PresenceEnds): void {
    const { mine } = this;
    const userId = this.#core.now.me.id;
    const kept = { text: mine?.text ?? null, textUntil: mine?.textUntil ?? null };
    const chosen = text === undefined ? kept : { text: text || null, textUntil: textUntil ?? null };
    this.state.setState({
      [userId]: { userId, status, lastSeenAt: null, statusUntil: statusUntil ?? null, ...chosen },
    });
  }

  /** Ends statuses and texts at their time, which no event says. */
  #end(): void {
    const now = Date.now();
    const ended: Record<string, Presence> = {};
    let next = Number.POSITIVE_INFINITY;
    for (const presence of Object.values(this.state.getState())) {
      const { statusUntil, textUntil } = presence;
      if (!statusUntil && !textUntil) continue;
      let left = presence;
      if (isOver(statusUntil, now)) left = { ...left, status: "online", statusUntil: null };
      if (isOver(textUntil, now)) left = { ...left, text: null, textUntil: null };
      if (left !== presence) ended[left.userId] = left;
      for (const until of [left.statusUntil, left.textUntil]) if (until) next = Math.min(next, Date.parse(until));
    }
    this.#timer.set(next);
    if (Object.keys(ended).length > 0) this.state.setState(ended);
  }

  #forget(userId: string): void {
    this.#watched.delete(userId);
    if (this.#subscribed.delete(userId)) this.#core.send("presence:unsubscribe", { userIds: [userId] });
  }

  /** Subscribes once for all users that appear together. */
  #scheduleSubscribe(): void {
    if (this.#isScheduled || !this.#core.now.connected) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      void this.#subscribe();
    });
  }

  async #subscribe(): Promise<void> {
    const known = this.state.getState();
    // The presence of contacts is known anyway.
    const isMissing = (id: string): boolean =>
      !this.#subscribed.has(id) && (own(known, id) === undefined || this.#subscribedBefore.has(id));
    const userIds = [...this.#watched.keys()].filter(isMissing).slice(0, WATCHED_MAX - this.#subscribed.size);
    if (userIds.length === 0) return;
    for (const id of userIds) this.#subscribed.add(id);
    try {
      const { presence } = await this.#core.call("presence:subscribe", { userIds });
      this.state.setState(Object.fromEntries(presence.map((each) => [each.userId, each])));
    } catch {
      // The connection was lost; the next one subscribes again.
    }
  }

  async #refresh(): Promise<void> {
    try {
      const { presence } = await this.#core.loadState(1);
      this.state.setState(Object.fromEntries(presence.map((each) => [each.userId, each])));
    } catch {
      // As above.
    }
  }
}

const isOver = (until: string | null, now: number): boolean => !!until && Date.parse(until) <= now;
