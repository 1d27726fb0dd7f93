import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { OutboxEntry, OutboxStore } from "./outbox.ts";
import { OutboxPages } from "./outbox_pages.ts";

/** Databases of earlier versions name the entries letters. */
const ENTRIES = "letters";

interface Database extends DBSchema {
  [ENTRIES]: { key: string; value: OutboxEntry; indexes: { byUser: [string, number] } };
}

/** The outbox's entries in IndexedDB, which all tabs share. */
export class IndexedDbOutboxStore implements OutboxStore {
  readonly pages: OutboxPages;
  readonly #database: Promise<IDBPDatabase<Database>>;

  constructor(name = "talkwire") {
    this.pages = new OutboxPages(name);
    this.#database = openDB<Database>(name, 1, {
      upgrade(database) {
        const entries = database.createObjectStore(ENTRIES, { keyPath: "clientMessageId" });
        entries.createIndex("byUser", ["userId", "writtenAt"]);
      },
    });
  }

  async read(userId: string): Promise<OutboxEntry[]> {
    const range = IDBKeyRange.bound([userId, 0], [userId, Number.POSITIVE_INFINITY]);
    return (await this.#database).getAllFromIndex(ENTRIES, "byUser", range);
  }

  async has(clientMessageId: string): Promise<boolean> {
    return (await (await this.#database).count(ENTRIES, clientMessageId)) > 0;
  }

  async put(entry: OutboxEntry): Promise<void> {
    await (await this.#database).put(ENTRIES, entry);
  }

  async delete(clientMessageId: string): Promise<void> {
    await (await this.#database).delete(ENTRIES, clientMessageId);
  }
}
