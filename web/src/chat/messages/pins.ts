/** The pinned messages of opened conversations, the newest pin first. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Message, MessagePage } from "../../server/payloads";
import type { ChatPart, Core } from "../core";
import { own } from "../own";

export type PinsByConversation = Readonly<Record<string, readonly Message[]>>;

export class Pins implements ChatPart {
  readonly state: StoreApi<PinsByConversation> = createStore<PinsByConversation>(() => ({}));
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    // The event has only the message's id, and the list is short.
    core.on("message:pinned", ({ conversationId }) => void this.#reload(conversationId));
    core.on("message:unpinned", ({ conversationId, messageId }) => this.#without(conversationId, messageId));
    core.on("message:deleted", ({ conversationId, messageId }) => this.#without(conversationId, messageId));
    core.on("message:updated", (message) =>
      this.#change(message.conversationId, (pins) => pins.map((each) => (each.id === message.id ? message : each))),
    );
  }

  loaded(): void {
    this.state.setState({}, true);
    const { openId } = this.#core.now;
    if (openId !== null) void this.load(openId);
  }

  /** Loads a conversation's pins. The next connection retries when it fails. */
  async load(id: string): Promise<void> {
    if (own(this.state.getState(), id) === undefined) await this.#read(id);
  }

  async #reload(id: string): Promise<void> {
    if (own(this.state.getState(), id) !== undefined) await this.#read(id);
  }

  async #read(id: string): Promise<void> {
    const path = `conversations/${encodeURIComponent(id)}/pins?limit=100`;
    const page = await this.#core.api.get<MessagePage>(path).catch(() => null);
    if (page !== null) this.state.setState({ [id]: page.items });
  }

  #without(id: string, messageId: string): void {
    this.#change(id, (pins) => pins.filter((each) => each.id !== messageId));
  }

  #change(id: string, change: (pins: readonly Message[]) => readonly Message[]): void {
    const pins = own(this.state.getState(), id);
    if (pins !== undefined) this.state.setState({ [id]: change(pins) });
  }
}
