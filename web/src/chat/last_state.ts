/**
 * How the conversations were when the server was last reached, kept in IndexedDB. The page shows it after a reload
 * without a server, together with the messages that wait to be sent.
 */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { ChatState, Core, Part } from "./core";
import { newestOf } from "./messages/timeline";

/** The part of the state that is kept. */
export type Kept = Pick<ChatState, "conversations" | "timelines">;

interface Database extends DBSchema {
  states: { key: string; value: Kept };
}

const PAUSE_MS = 1_000;
/** Messages of each conversation that was opened. */
const MESSAGES_MAX = 50;

export class LastState implements Part {
  readonly #core: Core;
  readonly #name: string;
  #database: Promise<IDBPDatabase<Database>> | undefined;
  #stopWatching: () => void = () => undefined;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(core: Core, name = "talkwire-state") {
    this.#core = core;
    this.#name = name;
  }

  started(): void {
    this.#stopWatching = this.#core.state.subscribe((now, before) => {
      const isChanged = now.conversations !== before.conversations || now.timelines !== before.timelines;
      if (now.connected && (isChanged || !before.connected))
        this.#waiting ??= setTimeout(() => void this.#keep(), PAUSE_MS);
    });
    addEventListener("pagehide", this.#keepNow);
    // A page that is left has no time to open it.
    void this.#open().catch(() => undefined);
  }

  stopped(): void {
    this.#stopWatching();
    removeEventListener("pagehide", this.#keepNow);
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
  }

  /** What was kept; undefined when nothing was, or when the browser keeps nothing. */
  async read(): Promise<Kept | undefined> {
    try {
      return await (await this.#open()).get("states", this.#core.now.me.id);
    } catch {
      return undefined;
    }
  }

  /** Removes what was kept. */
  async forget(): Promise<void> {
    try {
      await (await this.#open()).delete("states", this.#core.now.me.id);
    } catch {
      // The browser keeps nothing.
    }
  }

  readonly #keepNow = (): void => {
    if (this.#waiting !== undefined) void this.#keep();
  };

  async #keep(): Promise<void> {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    const { me, conversations, timelines } = this.#core.now;
    const ends = Object.entries(timelines).flatMap(([id, timeline]) =>
      timeline.atEnd ? [[id, newestOf(timeline, MESSAGES_MAX)] as const] : [],
    );
    try {
      await (await this.#open()).put("states", { conversations, timelines: Object.fromEntries(ends) }, me.id);
    } catch {
      // A private window or a full disk: the page works without it.
    }
  }

  #open(): Promise<IDBPDatabase<Database>> {
    this.#database ??= openDB<Database>(this.#name, 1, {
      upgrade(database) {
        database.createObjectStore("states");
      },
    });
    return this.#database;
  }
}
