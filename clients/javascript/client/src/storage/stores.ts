/** Where messages and files wait until they are sent: IndexedDB, or a storage of the application. */

import type { StoredUpload, UploadStore } from "../files/upload_queue.ts";
import { IndexedDbUploadStore } from "../files/upload_store.ts";
import type { OutboxEntry, OutboxStore } from "../outbox/outbox.ts";
import { IndexedDbOutboxStore } from "../outbox/outbox_store.ts";

/**
 * A place for what has to outlive a restart of the program: messages that are not sent yet, and their files.
 *
 * Values are objects that `structuredClone` can copy. Values below `entry:` and `upload:` can also be written as JSON;
 * those below `bytes:` are a `Blob`.
 */
export interface TalkwireStorage {
  /** Returns the value of a key; undefined without one. */
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
  /** Returns the keys that start with a text, in any order. */
  keys(prefix: string): Promise<readonly string[]>;
}

/** A storage that lasts as long as the program. */
export class MemoryStorage implements TalkwireStorage {
  readonly #values = new Map<string, unknown>();

  async get(key: string): Promise<unknown> {
    return this.#values.get(key);
  }

  async set(key: string, value: unknown): Promise<void> {
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
const BYTES = "bytes:";

async function valuesOf<T extends { readonly userId: string }>(
  storage: TalkwireStorage,
  prefix: string,
  userId: string,
): Promise<T[]> {
  const values = await Promise.all((await storage.keys(prefix)).map((key) => storage.get(key)));
  return values.filter((value): value is T => (value as T | undefined)?.userId === userId);
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
    return (await this.#storage.get(ENTRY + clientMessageId)) !== undefined;
  }

  put(entry: OutboxEntry): Promise<void> {
    return this.#storage.set(ENTRY + entry.clientMessageId, entry);
  }

  delete(clientMessageId: string): Promise<void> {
    return this.#storage.delete(ENTRY + clientMessageId);
  }
}

class StoredUploads implements UploadStore {
  readonly #storage: TalkwireStorage;

  constructor(storage: TalkwireStorage) {
    this.#storage = storage;
  }

  async read(userId: string): Promise<StoredUpload[]> {
    const uploads = await valuesOf<StoredUpload>(this.#storage, UPLOAD, userId);
    const complete = uploads.map(async (each) => ({
      ...each,
      bytes: (await this.#storage.get(BYTES + each.id)) as Blob | undefined,
    }));
    return (await Promise.all(complete)).sort((one, other) => one.addedAt - other.addedAt);
  }

  async get(id: string): Promise<StoredUpload | undefined> {
    return (await this.#storage.get(UPLOAD + id)) as StoredUpload | undefined;
  }

  async add({ bytes, ...upload }: StoredUpload): Promise<void> {
    await this.#storage.set(UPLOAD + upload.id, upload);
    if (bytes !== undefined) await this.#storage.set(BYTES + upload.id, bytes);
  }

  async change({ bytes: _, ...upload }: StoredUpload): Promise<void> {
    await this.#storage.set(UPLOAD + upload.id, upload);
  }

  async delete(id: string): Promise<void> {
    await this.#storage.delete(UPLOAD + id);
    await this.#storage.delete(BYTES + id);
  }
}
