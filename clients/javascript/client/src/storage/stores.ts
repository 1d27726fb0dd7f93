/** Where messages and files wait until they are sent: IndexedDB, or a storage of the application. */

import type { StoredUpload, UploadStore } from "../files/upload_queue.ts";
import { IndexedDbUploadStore } from "../files/upload_store.ts";
import type { OutboxEntry, OutboxStore } from "../outbox/outbox.ts";
import { IndexedDbOutboxStore } from "../outbox/outbox_store.ts";

/**
 * A place for what has to outlive a restart of the program: messages that are not sent yet, and where React Native has
 * their files. Keys and values are texts. The bytes of a `File` or `Blob` are not stored here: such a file waits in memory.
 */
export interface TalkwireStorage {
  /** Returns the value of a key; null or undefined without one. */
  get(key: string): Promise<string | null | undefined>;
  set(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** Returns the keys that start with a text, in any order. */
  keys(prefix: string): Promise<readonly string[]>;
}

/** A storage that lasts as long as the program. */
export class MemoryStorage implements TalkwireStorage {
  readonly #values = new Map<string, string>();

  async get(key: string): Promise<string | undefined> {
    return this.#values.get(key);
  }

  async set(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }

  async keys(prefix: string): Promise<readonly string[]> {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix));
  }
}

export interface ClientStores {
  readonly outbox: OutboxStore;
  readonly uploads: UploadStore;
}

/** Returns stores in the browser's IndexedDB, which all pages of an origin share. */
export function indexedDbStores(outboxName?: string, uploadsName?: string): ClientStores {
  return { outbox: new IndexedDbOutboxStore(outboxName), uploads: new IndexedDbUploadStore(uploadsName) };
}

/** Returns stores in an application's storage. */
export function storesIn(storage: TalkwireStorage): ClientStores {
  return { outbox: new StoredOutbox(storage), uploads: new StoredUploads(storage) };
}

const ENTRY = "entry:";
const UPLOAD = "upload:";

/** Returns a stored value; undefined without one, or where another program has written the text. */
async function storedValue<T>(storage: TalkwireStorage, key: string): Promise<T | undefined> {
  const text = await storage.get(key);
  try {
    return typeof text === "string" ? ((JSON.parse(text) ?? undefined) as T | undefined) : undefined;
  } catch {
    return undefined;
  }
}

async function valuesOf<T extends { readonly userId: string }>(
  storage: TalkwireStorage,
  prefix: string,
  userId: string,
): Promise<T[]> {
  const values = await Promise.all((await storage.keys(prefix)).map((key) => storedValue<T>(storage, key)));
  return values.filter((value) => value?.userId === userId) as T[];
}

class StoredOutbox implements OutboxStore {
  readonly #storage: TalkwireStorage;

  constructor(storage: TalkwireStorage) {
    this.#storage = storage;
  }

  async read(userId: string): Promise<OutboxEntry[]> {
    const entries = await valuesOf<OutboxEntry>(this.#storage, ENTRY, userId);
    return entries.sort((one, other) => one.writtenAt - other.writtenAt);
  }

  async has(clientMessageId: string): Promise<boolean> {
    return (await storedValue(this.#storage, ENTRY + clientMessageId)) !== undefined;
  }

  async put(entry: OutboxEntry): Promise<void> {
    await this.#storage.set(ENTRY + entry.clientMessageId, JSON.stringify(entry));
  }

  async delete(clientMessageId: string): Promise<void> {
    await this.#storage.delete(ENTRY + clientMessageId);
  }
}

class StoredUploads implements UploadStore {
  readonly #storage: TalkwireStorage;

  constructor(storage: TalkwireStorage) {
    this.#storage = storage;
  }

  async read(userId: string): Promise<StoredUpload[]> {
    const uploads = await valuesOf<StoredUpload>(this.#storage, UPLOAD, userId);
    return uploads.sort((one, other) => one.addedAt - other.addedAt);
  }

  get(id: string): Promise<StoredUpload | undefined> {
    return storedValue<StoredUpload>(this.#storage, UPLOAD + id);
  }

  add(upload: StoredUpload): Promise<void> {
    return this.change(upload);
  }

  async change({ bytes: _, smaller: __, ...upload }: StoredUpload): Promise<void> {
    await this.#storage.set(UPLOAD + upload.id, JSON.stringify(upload));
  }

  async delete(id: string): Promise<void> {
    await this.#storage.delete(UPLOAD + id);
  }
}
