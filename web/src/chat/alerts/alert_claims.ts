/**
 * What the tabs of one browser have claimed, in IndexedDB: of two that add the same thing one is refused, which nothing
 * that tabs share without a transaction can promise (a value in localStorage takes its time from one process to another).
 */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";

interface ClaimSchema extends DBSchema {
  claims: {
    key: [userId: string, id: string];
    value: { userId: string; id: string; at: number };
    indexes: { at: number };
  };
}

/** Longer than a server tells something again after a lost connection. */
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
    // Where there is no storage each use of it fails, and is dealt with there.
    this.#database.catch(() => undefined);
  }

  /** Whether nobody has claimed it before. Where nothing can be kept, nobody has: two tabs may speak then. */
  async take(id: string, now = Date.now()): Promise<boolean> {
    try {
      await (await this.#database).add("claims", { userId: this.#userId, id, at: now });
      return true;
    } catch (error) {
      return !(error instanceof DOMException && error.name === "ConstraintError");
    }
  }

  /** Forgets what is long past. */
  async clean(now = Date.now()): Promise<void> {
    const cleaning = (await this.#database).transaction("claims", "readwrite");
    const old = await cleaning.store.index("at").getAllKeys(IDBKeyRange.upperBound(now - REMEMBERED_MS));
    await Promise.all([...old.map((key) => cleaning.store.delete(key)), cleaning.done]);
  }
}
