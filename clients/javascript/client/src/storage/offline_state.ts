/**
 * Saves the conversations in IndexedDB. The page shows them after a reload without a server, together with the outbox.
 *
 * The messages of each conversation have a record of their own. So a tab writes what it has in memory, and keeps what
 * another tab or an earlier page has written.
 */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { ChatPart, ClientState, Core } from "../core.ts";
import { newestOf, type Timeline } from "../messages/timeline.ts";
import { own } from "../own.ts";
import type { Message, Offer } from "../server/payloads.ts";

/** The part of the state that is saved. */
export interface SavedState extends Pick<ClientState, "conversations" | "timelines"> {
  /** By the ids of their conversations; missing where they were not loaded. */
  readonly offers: Readonly<Record<string, readonly Offer[]>>;
  readonly pins: Readonly<Record<string, readonly Message[]>>;
  /** What the application keeps beside the conversations. */
  readonly more: unknown;
}

/** What is saved of an opened conversation beside its messages; undefined what is not loaded. */
export interface Beside {
  readonly offers?: readonly Offer[] | undefined;
  readonly pins?: readonly Message[] | undefined;
}

/** What is saved of an opened conversation. */
export interface Opened extends Beside {
  readonly timeline: Timeline;
}

/** What an application keeps besides messages. It calls `changed` when that changes. */
export interface KeptByApplication {
  readonly of: (conversationId: string) => Beside;
  readonly more: () => unknown;
}

const NOTHING: KeptByApplication = { of: () => ({}), more: () => undefined };

interface SavedTimeline extends Opened {
  readonly userId: string;
  readonly conversationId: string;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

interface Database extends DBSchema {
  /** By user. */
  states: { key: string; value: Pick<SavedState, "conversations"> & { readonly more?: unknown } };
  timelines: { key: [string, string]; value: SavedTimeline; indexes: { byUser: [string, number] } };
}

const PAUSE_MS = 1_000;
/** Messages, and offers, of each opened conversation. */
const MESSAGES_MAX = 50;
/** Conversations of each user whose messages are saved: those that were written last. */
const TIMELINES_MAX = 50;

export class OfflineState implements ChatPart {
  readonly #core: Core;
  readonly #name: string;
  readonly #application: KeptByApplication;
  #database: Promise<IDBPDatabase<Database>> | undefined;
  #stopWatching: () => void = () => undefined;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  /**
   * The list that was saved last on this connection. Conversations that are missing in the current list were removed.
   */
  #listed: ClientState["conversations"] = {};
  /** What was written last: what is unchanged is not written again. */
  #written: Readonly<Record<string, Opened>> = {};

  constructor(core: Core, name: string, application: KeptByApplication = NOTHING) {
    this.#core = core;
    this.#name = name;
    this.#application = application;
  }

  started(): void {
    this.#stopWatching = this.#core.state.subscribe((now, before) => {
      if (!now.connected) return;
      const isChanged = now.conversations !== before.conversations || now.timelines !== before.timelines;
      if (isChanged || !before.connected) this.#saveSoon();
    });
    addEventListener("pagehide", this.#saveNow);
    // A page that is being closed has no time to open the database.
    void this.#open().catch(() => undefined);
  }

  /** The list may have fewer pages than before. */
  loaded(): void {
    this.#listed = this.#core.now.conversations;
  }

  stopped(): void {
    this.#stopWatching();
    removeEventListener("pagehide", this.#saveNow);
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
  }

  /** What the application keeps has changed. */
  changed(): void {
    if (this.#core.now.connected) this.#saveSoon();
  }

  /** Returns the saved state; undefined without one, or without storage. */
  async read(): Promise<SavedState | undefined> {
    const { id } = this.#core.now.me;
    try {
      const database = await this.#open();
      const state = await database.get("states", id);
      if (state === undefined) return undefined;
      const saved = await database.getAllFromIndex("timelines", "byUser", allOf(id));
      const timelines = Object.fromEntries(saved.map(({ conversationId, timeline }) => [conversationId, timeline]));
      const offers = Object.fromEntries(
        saved.flatMap(({ conversationId, offers }) => (offers === undefined ? [] : [[conversationId, offers]])),
      );
      const pins = Object.fromEntries(
        saved.flatMap(({ conversationId, pins }) => (pins === undefined ? [] : [[conversationId, pins]])),
      );
      return { conversations: state.conversations, timelines, offers, pins, more: state.more };
    } catch {
      return undefined;
    }
  }

  /** Returns the saved conversations, none without storage, and what the application has kept beside them. */
  async readList(): Promise<Pick<SavedState, "conversations" | "more">> {
    const none = { conversations: {}, more: undefined };
    try {
      return { ...none, ...(await (await this.#open()).get("states", this.#core.now.me.id)) };
    } catch {
      return none;
    }
  }

  /** Returns what is saved of one conversation; undefined without it, or without storage. */
  async readOpened(conversationId: string): Promise<Opened | undefined> {
    try {
      return await (await this.#open()).get("timelines", [this.#core.now.me.id, conversationId]);
    } catch {
      return undefined;
    }
  }

  /** Removes the saved state. */
  async forget(): Promise<void> {
    const { id } = this.#core.now.me;
    try {
      const transaction = (await this.#open()).transaction(["states", "timelines"], "readwrite");
      const timelines = transaction.objectStore("timelines");
      const removed = [transaction.objectStore("states").delete(id)];
      for (const key of await timelines.index("byUser").getAllKeys(allOf(id))) removed.push(timelines.delete(key));
      await Promise.all([...removed, transaction.done]);
    } catch {
      // Without storage there is nothing to remove.
    }
  }

  #saveSoon(): void {
    this.#waiting ??= setTimeout(() => void this.#save(), PAUSE_MS);
  }

  readonly #saveNow = (): void => {
    if (this.#waiting !== undefined) void this.#save();
  };

  async #save(): Promise<void> {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    const { me, conversations, nextConversations, timelines } = this.#core.now;
    const here = Object.entries(timelines)
      .filter(([id, { atEnd }]) => atEnd && Object.hasOwn(conversations, id))
      .map(([id, timeline]) => [id, { ...this.#application.of(id), timeline }] as const);
    const changed = here.filter(([id, { timeline, offers, pins }]) => {
      const written = own(this.#written, id);
      return written?.timeline !== timeline || written.offers !== offers || written.pins !== pins;
    });
    const state = { conversations, more: this.#application.more() };
    const removed = Object.keys(this.#listed).filter((id) => !Object.hasOwn(conversations, id));
    this.#listed = conversations;
    this.#written = Object.fromEntries(here);
    try {
      const database = await this.#open();
      await write(database, me.id, state, changed, removed);
      await removeSuperfluous(database, me.id, nextConversations === null ? conversations : null);
    } catch {
      // A private window or a full disk: the page works without it.
    }
  }

  #open(): Promise<IDBPDatabase<Database>> {
    this.#database ??= openDB<Database>(this.#name, 2, {
      upgrade(database, before) {
        if (before < 1) database.createObjectStore("states");
        const timelines = database.createObjectStore("timelines", { keyPath: ["userId", "conversationId"] });
        timelines.createIndex("byUser", ["userId", "writtenAt"]);
      },
    });
    return this.#database;
  }
}

const allOf = (userId: string): IDBKeyRange => IDBKeyRange.bound([userId, 0], [userId, Number.POSITIVE_INFINITY]);

/** Writes without waiting between requests, because the page may be closed at any moment. */
async function write(
  database: IDBPDatabase<Database>,
  userId: string,
  state: Database["states"]["value"],
  changed: readonly (readonly [string, Opened])[],
  removed: readonly string[],
): Promise<void> {
  const transaction = database.transaction(["states", "timelines"], "readwrite");
  const timelines = transaction.objectStore("timelines");
  const writtenAt = Date.now();
  await Promise.all([
    transaction.objectStore("states").put(state, userId),
    ...changed.map(([conversationId, { timeline, offers, pins }]) =>
      timelines.put({
        userId,
        conversationId,
        writtenAt,
        timeline: newestOf(timeline, MESSAGES_MAX),
        offers: offers?.slice(-MESSAGES_MAX),
        pins,
      }),
    ),
    ...removed.map((id) => timelines.delete([userId, id])),
    transaction.done,
  ]);
}

/** Removes the oldest timelines over the limit, and those of conversations that are not in the whole list. */
async function removeSuperfluous(
  database: IDBPDatabase<Database>,
  userId: string,
  wholeList: ClientState["conversations"] | null,
): Promise<void> {
  const transaction = database.transaction("timelines", "readwrite");
  const keys = await transaction.store.index("byUser").getAllKeys(allOf(userId));
  const isListed = ([, id]: [string, string]) => wholeList === null || Object.hasOwn(wholeList, id);
  const left = new Set(keys.filter(isListed).slice(-TIMELINES_MAX));
  const surplus = keys.filter((key) => !left.has(key));
  await Promise.all([...surplus.map((key) => transaction.store.delete(key)), transaction.done]);
}
