import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { StoredUpload, UploadStore } from "./upload_queue.ts";

type Upload = Omit<StoredUpload, "bytes">;

/** An upload without its bytes. Databases of earlier versions name `entryId` `letterId`. */
type UploadRecord = Omit<Upload, "entryId"> & { readonly letterId: string | null };

/** Bytes have a record of their own, since the rest changes more often. */
interface Database extends DBSchema {
  uploads: { key: string; value: UploadRecord; indexes: { byUser: [string, number] } };
  bytes: { key: string; value: Blob };
}

const recordOf = ({ entryId, ...rest }: Upload): UploadRecord => ({ ...rest, letterId: entryId });
const uploadOf = ({ letterId, ...rest }: UploadRecord): Upload => ({ ...rest, entryId: letterId });

/** The files that are not in a message yet, in IndexedDB, which all tabs share. */
export class IndexedDbUploadStore implements UploadStore {
  readonly #database: Promise<IDBPDatabase<Database>>;

  constructor(name = "talkwire-uploads") {
    this.#database = openDB<Database>(name, 1, {
      upgrade(database) {
        const uploads = database.createObjectStore("uploads", { keyPath: "id" });
        uploads.createIndex("byUser", ["userId", "addedAt"]);
        database.createObjectStore("bytes");
      },
    });
    // Without storage each use fails, and its caller handles that.
    this.#database.catch(() => undefined);
  }

  async read(userId: string): Promise<StoredUpload[]> {
    const database = await this.#database;
    const range = IDBKeyRange.bound([userId, 0], [userId, Number.POSITIVE_INFINITY]);
    const records = await database.getAllFromIndex("uploads", "byUser", range);
    return Promise.all(
      records.map(async (each) => ({ ...uploadOf(each), bytes: await database.get("bytes", each.id) })),
    );
  }

  async get(id: string): Promise<Upload | undefined> {
    const record = await (await this.#database).get("uploads", id);
    return record === undefined ? undefined : uploadOf(record);
  }

  async add({ bytes, ...upload }: StoredUpload): Promise<void> {
    const transaction = (await this.#database).transaction(["uploads", "bytes"], "readwrite");
    await Promise.all([
      transaction.objectStore("uploads").put(recordOf(upload)),
      bytes === undefined ? undefined : transaction.objectStore("bytes").put(bytes, upload.id),
      transaction.done,
    ]);
  }

  async change({ bytes: _, ...upload }: StoredUpload): Promise<void> {
    await (await this.#database).put("uploads", recordOf(upload));
  }

  async delete(id: string): Promise<void> {
    const transaction = (await this.#database).transaction(["uploads", "bytes"], "readwrite");
    await Promise.all([
      transaction.objectStore("uploads").delete(id),
      transaction.objectStore("bytes").delete(id),
      transaction.done,
    ]);
  }
}
