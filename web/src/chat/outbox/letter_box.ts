import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Letter, LetterBox } from "./outbox";

interface Kept extends DBSchema {
  letters: { key: string; value: Letter; indexes: { byUser: [string, number] } };
}

/** The outbox's letters in IndexedDB, which all tabs share. */
export class IndexedLetterBox implements LetterBox {
  readonly #database: Promise<IDBPDatabase<Kept>>;

  constructor(name = "talkwire") {
    this.#database = openDB<Kept>(name, 1, {
      upgrade(database) {
        const letters = database.createObjectStore("letters", { keyPath: "clientMessageId" });
        letters.createIndex("byUser", ["userId", "writtenAt"]);
      },
    });
  }

  async read(userId: string): Promise<Letter[]> {
    const range = IDBKeyRange.bound([userId, 0], [userId, Number.POSITIVE_INFINITY]);
    return (await this.#database).getAllFromIndex("letters", "byUser", range);
  }

  async has(clientMessageId: string): Promise<boolean> {
    return (await (await this.#database).count("letters", clientMessageId)) > 0;
  }

  async put(letter: Letter): Promise<void> {
    await (await this.#database).put("letters", letter);
  }

  async drop(clientMessageId: string): Promise<void> {
    await (await this.#database).delete("letters", clientMessageId);
  }
}
