import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Kept, UploadBox } from "./upload_queue";

/** Bytes lie beside what is known of them, which changes more often. */
interface Stored extends DBSchema {
  uploads: { key: string; value: Omit<Kept, "bytes">; indexes: { byUser: [string, number] } };
  bytes: { key: string; value: Blob };
}

/** Files that are not in a message yet, in IndexedDB, which all tabs share. */
export class IndexedUploadBox implements UploadBox {
  readonly #database: Promise<IDBPDatabase<Stored>>;

  constructor(name = "talkwire-uploads") {
    this.#database = openDB<Stored>(name, 1, {
      upgrade(database) {
        const uploads = database.createObjectStore("uploads", { keyPath: "id" });
        uploads.createIndex("byUser", ["userId", "addedAt"]);
        database.createObjectStore("bytes");
      },
    });
    // Where there is no storage each use of it fails, and is dealt with there.
    this.#database.catch(() => undefined);
  }

  async read(userId: string): Promise<Kept[]> {
    const database = await this.#database;
    const range = IDBKeyRange.bound([userId, 0], [userId, Number.POSITIVE_INFINITY]);
    const found = await database.getAllFromIndex("uploads", "byUser", range);
    return Promise.all(found.map(async (each) => ({ ...each, bytes: await database.get("bytes", each.id) })));
  }

  async get(id: string): Promise<Omit<Kept, "bytes"> | undefined> {
    return (await this.#database).get("uploads", id);
  }

  async add({ bytes, ...rest }: Kept): Promise<void> {
    const writing = (await this.#database).transaction(["uploads", "bytes"], "readwrite");
    await Promise.all([
      writing.objectStore("uploads").put(rest),
      bytes === undefined ? undefined : writing.objectStore("bytes").put(bytes, rest.id),
      writing.done,
    ]);
  }

  async change({ bytes: _, ...rest }: Kept): Promise<void> {
    await (await this.#database).put("uploads", rest);
  }

  async drop(id: string): Promise<void> {
    const writing = (await this.#database).transaction(["uploads", "bytes"], "readwrite");
    await Promise.all([
      writing.objectStore("uploads").delete(id),
      writing.objectStore("bytes").delete(id),
      writing.done,
    ]);
  }
}
