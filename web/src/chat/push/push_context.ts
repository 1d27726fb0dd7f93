/** What the service worker has to know of the reader while no page is open: the page saves it in IndexedDB. */

import { storageName } from "@talkwire/client/parts";
import { type DBSchema, type IDBPDatabase, openDB } from "idb";

export interface PushContext {
  readonly userId: string;
  /** The id of this browser's subscription on the server. */
  readonly subscriptionId: string;
  /** Where the push service takes the server's messages for this browser. */
  readonly endpoint: string;
  /** The language of the page, for its notifications; undefined in records of older pages. */
  readonly language?: string;
  /** The names of groups and channels by id. */
  readonly names: Readonly<Record<string, string>>;
  /** Pictures by the id of a direct conversation, or of a user. */
  readonly pictures: Readonly<Record<string, SavedPicture>>;
}

export interface SavedPicture {
  /** Its path on the server, which changes with the picture. */
  readonly path: string;
  /** The picture itself as a data URL, since the browser loads a notification's icon without a token. */
  readonly url: string;
}

interface Schema extends DBSchema {
  contexts: { key: string; value: PushContext };
}

/** The only record: a browser has one subscription. */
const KEY = "subscriber";

/** `base`: the URL of the page or of the service worker. Methods reject without storage. */
export class PushContextStore {
  readonly #name: string;
  #database: Promise<IDBPDatabase<Schema>> | undefined;

  constructor(base: string) {
    this.#name = storageName("talkwire-push", base);
  }

  async read(): Promise<PushContext | undefined> {
    return (await this.#open()).get("contexts", KEY);
  }

  async write(context: PushContext): Promise<void> {
    await (await this.#open()).put("contexts", context, KEY);
  }

  async clear(): Promise<void> {
    await (await this.#open()).clear("contexts");
  }

  #open(): Promise<IDBPDatabase<Schema>> {
    this.#database ??= openDB<Schema>(this.#name, 1, {
      upgrade: (database) => void database.createObjectStore("contexts"),
    });
    return this.#database;
  }
}
