/** The messages that the reader has saved for later. Those of each conversation are loaded on demand. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { ChatPart, Core } from "../core.ts";
import { own } from "../own.ts";
import type { SavedMessage, SavedMessagePage } from "../server/payloads.ts";

/** The ids of the saved messages, by conversation. */
export type SavedByConversation = Readonly<Record<string, ReadonlySet<string>>>;

const PAGE = 100;

export class Saved implements ChatPart {
  readonly state: StoreApi<SavedByConversation> = createStore<SavedByConversation>(() => ({}));
  readonly #core: Core;
  /** What events say of messages while those of their conversation are being loaded. */
  readonly #meanwhile = new Map<string, Map<string, boolean>>();

  constructor(core: Core) {
    this.#core = core;
    core.on("saved:changed", ({ conversationId, messageId, saved }) => this.#change(conversationId, messageId, saved));
    core.on("message:deleted", ({ conversationId, messageId }) => this.#change(conversationId, messageId, false));
  }

  loaded(): void {
    this.state.setState({}, true);
  }

  /** Returns whether a message is saved, as far as the messages of its conversation are loaded. */
  has(conversationId: string, messageId: string): boolean {
    return own(this.state.getState(), conversationId)?.has(messageId) === true;
  }

  /** Loads which messages of a conversation are saved. The next connection retries when it fails. */
  async load(conversationId: string): Promise<void> {
    if (own(this.state.getState(), conversationId) !== undefined) return;
    const ids = new Set<string>();
    const meanwhile = new Map<string, boolean>();
    this.#meanwhile.set(conversationId, meanwhile);
    try {
      for (let next: string | null | undefined; next !== null; ) {
        const page: SavedMessagePage = await this.list(next, conversationId);
        for (const { message } of page.items) ids.add(message.id);
        next = page.next;
      }
    } catch {
      return;
    } finally {
      if (this.#meanwhile.get(conversationId) === meanwhile) this.#meanwhile.delete(conversationId);
    }
    for (const [id, saved] of meanwhile) {
      if (saved) ids.add(id);
      else ids.delete(id);
    }
    this.state.setState({ [conversationId]: ids });
  }

  /** Returns a page of the saved messages, last saved first. Rejects with `RequestError`. */
  list(cursor?: string, conversationId?: string): Promise<SavedMessagePage> {
    const query = new URLSearchParams({ limit: `${PAGE}` });
    if (cursor !== undefined) query.set("cursor", cursor);
    if (conversationId !== undefined) query.set("conversationId", conversationId);
    return this.#core.rest.get(`saved?${query}`);
  }

  /** Saves a message. Rejects with `RequestError`, as all below. */
  async save(messageId: string): Promise<SavedMessage> {
    const { message, savedAt } = await this.#core.call("message:save", { messageId });
    this.#change(message.conversationId, messageId, true);
    return { message, savedAt };
  }

  async remove(conversationId: string, messageId: string): Promise<void> {
    await this.#core.call("message:unsave", { messageId });
    this.#change(conversationId, messageId, false);
  }

  #change(conversationId: string, messageId: string, saved: boolean): void {
    this.#meanwhile.get(conversationId)?.set(messageId, saved);
    const before = own(this.state.getState(), conversationId);
    if (before === undefined || before.has(messageId) === saved) return;
    const after = new Set(before);
    if (saved) after.add(messageId);
    else after.delete(messageId);
    this.state.setState({ [conversationId]: after });
  }
}
