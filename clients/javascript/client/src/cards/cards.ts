/** What the reader has chosen of cards, and which cards wait for their choice. */

import type { ChatPart, Core } from "../core.ts";
import { Emitter } from "../emitter.ts";
import { given } from "../given.ts";
import { randomId } from "../platform.ts";
import type { ActOnCardCommand, AskedCard, Message, SeenCard, WaitingCards } from "../server/payloads.ts";

/** What happens to cards. */
export interface CardsEvents {
  /** What is known of a card, or the list of those that wait, has changed. */
  change: Cards;
}

/** What a choice may have beside the actions. */
export type Choosing = Pick<ActOnCardCommand, "input" | "comment">;

/** What a message with a card may have beside it. */
export interface NewCard {
  /** The id of the message that it replies to. */
  readonly replyTo?: string;
  /** The id of the first message of the thread that it belongs to. */
  readonly threadId?: string;
  /** Makes a retry by the application safe: cards with the same id are stored once. */
  readonly clientMessageId?: string;
}

const NOTHING_WAITS: WaitingCards = { items: [], count: 0 };
/** What changes at once is loaded at once. */
const GATHER_MS = 300;

/** The cards of the reader's chat. `cardsOf` returns it. */
export class Cards implements ChatPart {
  readonly #core: Core;
  readonly #events = new Emitter<CardsEvents>();
  /** By the message's id; null where the card could not be loaded. */
  readonly #known = new Map<string, SeenCard | null>();
  readonly #loading = new Map<string, Promise<void>>();
  #waiting: WaitingCards | null = null;
  /** Whether the list of waiting cards is wanted. */
  #isListed = false;
  #renewal: ReturnType<typeof setTimeout> | undefined;

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
    core.on("card:updated", ({ messageId, counts }) => {
      this.#change(messageId, (card) => (card.state === "open" ? { ...card, counts } : card));
    });
    core.on("card:acted", ({ messageId, userId, actionIds }) => {
      if (userId === core.now.me.id) this.#chosen(messageId, actionIds);
    });
    core.on("card:decided", ({ conversationId: _, content: _content, messageId, ...end }) => {
      this.#change(messageId, (card) => ({ ...card, ...end }));
      if (this.#isWaiting(messageId)) this.#renewSoon();
    });
    core.on("message:new", ({ card }) => {
      if (card !== undefined && card.decide !== "poll" && card.state === "open") this.#renewSoon();
    });
    core.on("message:deleted", ({ messageId }) => {
      this.#known.delete(messageId);
      if (this.#isWaiting(messageId)) this.#renewSoon();
    });
    const changedMembership = ({ userId }: { readonly userId: string }): void => {
      if (userId === core.now.me.id) this.#renewSoon();
    };
    core.on("member:removed", changedMembership);
    core.on("member:updated", changedMembership);
    core.on("conversation:new", () => this.#renewSoon());
    core.on("conversation:deleted", () => this.#renewSoon());
  }

  /** Calls `handler` each time. Returns a function that ends this. */
  on<Name extends keyof CardsEvents>(name: Name, handler: (payload: CardsEvents[Name]) => void): () => void {
    return this.#events.on(name, handler);
  }

  /** Everything known may be outdated. */
  loaded(): void {
    this.#known.clear();
    this.#emit();
  }

  connected(): void {
    for (const [id, card] of this.#known) if (card === null) this.#known.delete(id);
    this.#emit();
    this.#renewSoon();
  }

  stopped(): void {
    clearTimeout(this.#renewal);
  }

  /**
   * Returns the card of a message, with what the reader has chosen (`mine`). Undefined until `load` has loaded it, and
   * null if it could not be loaded.
   */
  known(messageId: string): SeenCard | null | undefined {
    return this.#known.get(messageId);
  }

  /** Loads the card of a message, also again, with what others have chosen. Never rejects. */
  load(messageId: string): Promise<void> {
    const loading = this.#loading.get(messageId);
    if (loading !== undefined) return loading;
    const load = this.#core.rest
      .get<SeenCard>(`messages/${encodeURIComponent(messageId)}/card`)
      .catch(() => null)
      .then((card) => {
        if (card !== null || !this.#known.get(messageId)) this.#set(messageId, card);
      })
      .finally(() => this.#loading.delete(messageId));
    this.#loading.set(messageId, load);
    return load;
  }

  /**
   * The open cards that wait for the reader's choice, without polls, the newest first, and how many there are. Empty until
   * `loadWaiting` was called.
   */
  get waiting(): WaitingCards {
    return this.#waiting ?? NOTHING_WAITS;
  }

  /** Loads `waiting`, and keeps it up to date from then on. */
  loadWaiting(): void {
    if (this.#isListed) return;
    this.#isListed = true;
    if (this.#core.now.connected) void this.#renew();
  }

  /** Sends a message with a card, and returns it. This method and those below reject with `RequestError`. */
  async send(conversationId: string, card: AskedCard, options: NewCard = {}): Promise<Message> {
    const { replyTo, threadId, clientMessageId = randomId() } = options;
    const payload = { conversationId, content: "", clientMessageId, card, ...given({ replyToId: replyTo, threadId }) };
    const { message } = await this.#core.call("message:send", payload);
    this.#core.handleMissed("message:new", message);
    return message;
  }

  /** Chooses actions of a card: of a poll in place of an earlier choice, of others one action, which is final. */
  async choose(messageId: string, actionIds: readonly string[], choosing: Choosing = {}): Promise<SeenCard> {
    const { card } = await this.#core.call("card:act", { messageId, actionIds: [...actionIds], ...choosing });
    return this.#received(card);
  }

  /** Closes a poll, for its author and those who moderate the conversation. */
  async close(messageId: string): Promise<SeenCard> {
    const { card } = await this.#core.call("card:close", { messageId });
    return this.#received(card);
  }

  /** Cancels a card, for its author and the owner of the agent that wrote it. */
  async cancel(messageId: string): Promise<SeenCard> {
    const { card } = await this.#core.call("card:cancel", { messageId });
    return this.#received(card);
  }

  /** Returns the signed receipt of a decision that has ended. */
  async receipt(messageId: string): Promise<string> {
    const path = `messages/${encodeURIComponent(messageId)}/card/receipt`;
    return (await this.#core.rest.get<{ receipt: string }>(path)).receipt;
  }

  /** Shows what the server has acknowledged before its event comes. */
  #received(card: SeenCard): SeenCard {
    const { messageId, conversationId, state, outcome, counts, endedAt, actionId, input, decidedBy } = card;
    this.#set(messageId, card);
    const of = { messageId, conversationId };
    if (state === "open") {
      if (counts !== undefined) this.#core.handleMissed("card:updated", { ...of, counts });
      this.#renewSoon();
    } else {
      const end = given({ outcome, counts, endedAt, actionId, input, decidedBy });
      this.#core.handleMissed("card:decided", { ...of, state, ...end });
    }
    return card;
  }

  #chosen(messageId: string, actionIds: readonly string[]): void {
    this.#change(messageId, ({ mine, ...card }) => {
      if (actionIds.length === 0) return card;
      if (mine !== undefined && String(mine.actionIds) === String(actionIds)) return { ...card, mine };
      return { ...card, mine: { actionIds: [...actionIds], at: new Date().toISOString() } };
    });
    if (this.#isWaiting(messageId)) this.#renewSoon();
  }

  #isWaiting(messageId: string): boolean {
    return this.#waiting?.items.some((each) => each.messageId === messageId) ?? false;
  }

  #change(messageId: string, change: (card: SeenCard) => SeenCard): void {
    const before = this.#known.get(messageId);
    if (before) this.#set(messageId, change(before));
  }

  #set(messageId: string, card: SeenCard | null): void {
    this.#known.set(messageId, card);
    this.#emit();
  }

  #emit(): void {
    this.#events.emit("change", this);
  }

  #renewSoon(): void {
    if (!this.#isListed || !this.#core.now.connected) return;
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => void this.#renew(), GATHER_MS);
  }

  async #renew(): Promise<void> {
    try {
      this.#waiting = await this.#core.rest.get<WaitingCards>("cards?open=mine");
      this.#emit();
    } catch {
      // The next change, or the next connection, loads it.
    }
  }
}
