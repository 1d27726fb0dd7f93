/** Loads conversations when messages of them arrive, unless they are not in the reader's list. */

import type { Client } from "../client.ts";
import { newestTime } from "../conversations/conversations_by_id.ts";
import type { Conversation, ConversationPage, Message } from "../server/payloads.ts";

/** Waits this long for further messages before it asks which of their conversations are in the list. */
const PAUSE_MS = 300;
const PAGE = 20;

/**
 * A member of a team receives the messages of all its conversations, and has few of them in their list. While the whole
 * list is loaded, the client knows that other conversations are not in it. Otherwise it loads each, but for this class:
 * one request finds those of the list among all that have had messages meanwhile, in the first page of the list, which
 * has the newest messages.
 */
export class Unloaded {
  readonly #client: Client;
  /** The conversations that were not found in the list. */
  readonly #unlisted = new Set<string>();
  /** The newest messages of conversations of which that is not known. */
  #newest = new Map<string, Message>();

  constructor(client: Client) {
    this.#client = client;
    client.core.on("conversation:listed", ({ conversationId }) => this.#unlisted.delete(conversationId));
    client.core.on("member:added", ({ conversationId }) => this.#unlisted.delete(conversationId));
    client.isUnlisted = (id) => this.#unlisted.has(id);
    client.onUnloaded = (message) => {
      if (this.#unlisted.has(message.conversationId)) return;
      if (this.#newest.size === 0) setTimeout(() => void this.#find(), PAUSE_MS);
      this.#newest.set(message.conversationId, message);
    };
  }

  async #find(): Promise<void> {
    const { core, conversations } = this.#client;
    const wanted = this.#newest;
    this.#newest = new Map();
    let page: readonly Conversation[] = [];
    try {
      await conversations.loadAs(async () => {
        page = (await core.rest.get<ConversationPage>(`conversations?limit=${PAGE}`)).items;
        return page.filter(({ id }) => wanted.has(id));
      });
    } catch {
      // The next connection catches up.
    }
    const last = page.at(-1);
    for (const [id, { createdAt }] of wanted) {
      if (last === undefined || page.some((each) => each.id === id)) continue;
      // So many others may have had messages that it is on the next page.
      if (newestTime(last) >= createdAt) void conversations.load(id);
      else this.#unlisted.add(id);
    }
  }
}
