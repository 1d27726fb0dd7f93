/** The pinned messages of conversations, the newest pin first. They are loaded on demand. */

import { createStore, type StoreApi } from "zustand/vanilla";
import { bySender } from "../conversations/membership.ts";
import type { ChatPart, Core } from "../core.ts";
import { own } from "../own.ts";
import type { Message, MessagePage } from "../server/payloads.ts";
import { onCardChanged } from "./message_cards.ts";

export type PinsByConversation = Readonly<Record<string, readonly Message[]>>;

type Change = (pins: readonly Message[]) => readonly Message[];

/** A request for pins, with what happened since it was sent: the answer may be older than that. */
interface PinsRequest {
  readonly changes: Change[];
  isOutdated: boolean;
}

export class Pins implements ChatPart {
  readonly state: StoreApi<PinsByConversation> = createStore<PinsByConversation>(() => ({}));
  readonly #core: Core;
  /** The newest request of each conversation that is not answered yet. */
  readonly #requests = new Map<string, PinsRequest>();
  /** The conversations whose pins were saved before, and may have changed since. */
  readonly #savedOnly = new Set<string>();

  constructor(core: Core) {
    this.#core = core;
    // The event has only the message's id, and the list is short.
    core.on("message:pinned", ({ conversationId }) => this.#reload(conversationId));
    core.on("message:unpinned", ({ conversationId, messageId }) => this.#without(conversationId, messageId));
    core.on("message:deleted", ({ conversationId, messageId }) => this.#without(conversationId, messageId));
    core.on("user:updated", (user) => {
      const ids = new Set([...Object.keys(this.state.getState()), ...this.#requests.keys()]);
      for (const id of ids) this.#change(id, (pins) => pins.map(bySender(user)));
    });
    onCardChanged(core, ({ conversationId, messageId, how }) =>
      this.#change(conversationId, (pins) => pins.map((each) => (each.id === messageId ? how(each) : each))),
    );
    core.on("message:updated", (message) =>
      this.#change(message.conversationId, (pins) => pins.map((each) => (each.id === message.id ? message : each))),
    );
  }

  loaded(): void {
    for (const request of this.#requests.values()) request.isOutdated = true;
    this.#savedOnly.clear();
    this.state.setState({}, true);
  }

  /** Loads a conversation's pins. The next connection retries when it fails. */
  async load(id: string): Promise<void> {
    if (own(this.state.getState(), id) === undefined || this.#savedOnly.has(id)) await this.#read(id);
  }

  /** Shows pins that were saved before, until they are loaded. */
  showSaved(saved: PinsByConversation): void {
    const known = this.state.getState();
    for (const id of Object.keys(saved)) if (own(known, id) === undefined) this.#savedOnly.add(id);
    this.state.setState({ ...saved, ...known });
  }

  #reload(id: string): void {
    const request = this.#requests.get(id);
    if (request !== undefined) request.isOutdated = true;
    else if (own(this.state.getState(), id) !== undefined) void this.#read(id);
  }

  async #read(id: string): Promise<void> {
    const request: PinsRequest = { changes: [], isOutdated: false };
    this.#requests.set(id, request);
    const path = `conversations/${encodeURIComponent(id)}/pins?limit=100`;
    const page = await this.#core.rest.get<MessagePage>(path).catch(() => null);
    if (this.#requests.get(id) !== request) return;
    this.#requests.delete(id);
    if (page === null) return;
    if (request.isOutdated) return this.#read(id);
    const pins = request.changes.reduce((before, change) => change(before), page.items as readonly Message[]);
    this.#savedOnly.delete(id);
    this.state.setState({ [id]: pins });
  }

  #without(id: string, messageId: string): void {
    this.#change(id, (pins) => pins.filter((each) => each.id !== messageId));
  }

  #change(id: string, change: Change): void {
    this.#requests.get(id)?.changes.push(change);
    const pins = own(this.state.getState(), id);
    if (pins !== undefined) this.state.setState({ [id]: change(pins) });
  }
}
