/**
 * Claims of the tabs of one browser, in IndexedDB. When two tabs add the same claim, the transaction refuses one of
 * them. A value in localStorage reaches other processes too late for that.
 */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";

interface ClaimSchema extends DBSchema {
  claims: {
    key: [userId: string, id: string];
    value: { userId: string; id: string; at: number };
    indexes: { at: number };
  };
}

/** Longer than a server repeats an event after a lost connection. */
const REMEMBERED_MS = 7 * 86_400_000;

export class AlertClaims {
  readonly #userId: string;
  readonly #database: Promise<IDBPDatabase<ClaimSchema>>;

  constructor(userId: string, name = "talkwire-claims") {
    this.#userId = userId;
    this.#database = openDB<ClaimSchema>(name, 1, {
      upgrade(database) {
        database.createObjectStore("claims", { keyPath: ["userId", "id"] }).createIndex("at", "at");
      },
    });
    // Without storage each use fails, and its caller handles that.
    this.#database.catch(() => undefined);
  }

  /**
   * Returns whether no tab has claimed `id` before. Without storage it returns true, so two tabs may show the alert.
   */
  async take(id: string, now = Date.now()): Promise<boolean> {
    try {
      await (await this.#database).add("claims", { userId: this.#userId, id, at: now });
      return true;
    } catch (error) {
      return !(error instanceof DOMException && error.name === "ConstraintError");
    }
  }

  /** Removes expired claims. */
  async clean(now = Date.now()): Promise<void> {
    const cleaning = (await this.#database).transaction("claims", "readwrite");
    const old = await cleaning.store.index("at").getAllKeys(IDBKeyRange.upperBound(now - REMEMBERED_MS));
    await Promise.all([...old.map((key) => cleaning.store.delete(key)), cleaning.done]);
  }
}
