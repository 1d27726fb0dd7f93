/** Loads conversations when messages of them arrive, unless they are not in the reader's list. */

import type { Core } from "../core.ts";
import { own } from "../own.ts";
import type { Conversation, ConversationPage, Message } from "../server/payloads.ts";
import { newestTime } from "./conversations_by_id.ts";

/** Waits this long for further messages before it asks which of their conversations are in the list. */
const PAUSE_MS = 300;
const PAGE = 20;

/** How conversations are loaded. */
interface Loader {
  load(id: string): Promise<void>;
  loadAs(request: () => Promise<readonly Conversation[]>): Promise<readonly Conversation[]>;
}

/**
 * A member of a team receives the messages of all its conversations, and has few of them in their list. While the whole
 * list is loaded, a conversation that is not loaded is not in it. Otherwise one request finds those of the list among
 * all that have had messages meanwhile: in the first page of the list, which has the newest messages.
 */
export class Unloaded {
  readonly #core: Core;
  readonly #loader: Loader;
  /** The conversations that were not found in the list. */
  readonly #unlisted = new Set<string>();
  /** The newest messages of conversations of which that is not known. */
  #newest = new Map<string, Message>();

  constructor(core: Core, loader: Loader) {
    this.#core = core;
    this.#loader = loader;
    core.on("conversation:listed", ({ conversationId }) => this.#unlisted.delete(conversationId));
    core.on("member:added", ({ conversationId }) => this.#unlisted.delete(conversationId));
    core.on("message:new", (message) => {
      const { conversationId: id } = message;
      if (own(core.now.conversations, id) !== undefined || this.isUnlisted(id)) return;
      if (this.#newest.size === 0) setTimeout(() => void this.#find(), PAUSE_MS);
      this.#newest.set(id, message);
    });
  }

  /** Whether a conversation that is not loaded is known not to be in the reader's list. */
  isUnlisted(id: string): boolean {
    return this.#unlisted.has(id) || this.#core.now.nextConversations === null;
  }

  async #find(): Promise<void> {
    const wanted = this.#newest;
    this.#newest = new Map();
    let page: readonly Conversation[] = [];
    try {
      await this.#loader.loadAs(async () => {
        page = (await this.#core.rest.get<ConversationPage>(`conversations?limit=${PAGE}`)).items;
        return page.filter(({ id }) => wanted.has(id));
      });
    } catch {
      // The next connection catches up.
    }
    const last = page.at(-1);
    for (const [id, { createdAt }] of wanted) {
      if (last === undefined || page.some((each) => each.id === id)) continue;
      // So many others may have had messages that it is on the next page.
      if (newestTime(last) >= createdAt) void this.#loader.load(id);
      else this.#unlisted.add(id);
    }
  }
}
