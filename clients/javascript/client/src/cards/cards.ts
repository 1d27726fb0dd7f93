/** What the reader has chosen of cards, and which cards wait for their choice. */

import type { Core } from "../core.ts";
import { Emitter } from "../emitter.ts";
import { given } from "../given.ts";
import { randomId } from "../platform.ts";
import { pauseAfter } from "../server/pauses.ts";
import type { ActOnCardCommand, AskedCard, Message, SeenCard, WaitingCards } from "../server/payloads.ts";
import { RequestError } from "../server/request_error.ts";

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

type Change = (card: SeenCard) => SeenCard;

/** A request for a card, with what happened since it was sent: the answer may be older than that. */
interface CardRequest {
  readonly changes: Change[];
  readonly answered: Promise<void>;
}

const NOTHING_WAITS: WaitingCards = { items: [], count: 0 };
/** What changes at once is loaded at once. */
const GATHER_MS = 300;

/** The cards of the reader's chat. `cardsOf` returns it. */
export class Cards {
  readonly #core: Core;
  readonly #events = new Emitter<CardsEvents>();
  /** By the message's id; null where the card could not be loaded. */
  readonly #known = new Map<string, SeenCard | null>();
  /** The newest request for each card that is not answered yet. */
  readonly #requests = new Map<string, CardRequest>();
  /** The cards that have to be loaded again. */
  readonly #outdated = new Set<string>();
  /** What loads them; a new connection starts another one. */
  #reloading: object | null = null;
  #waiting: WaitingCards | null = null;
  /** Whether the list of waiting cards is wanted. */
  #isListed = false;
  #isListOutdated = true;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  /** The request for the list whose answer counts. */
  #listing: object | null = null;
  /** Requests for the list that failed in a row. */
  #failures = 0;

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
      this.#renewIfWaiting(messageId);
    });
    core.on("message:new", (message) => {
      if (mayWaitFor(core.now.me.id, message)) this.#renewSoon();
    });
    core.on("message:deleted", ({ messageId }) => {
      this.#known.delete(messageId);
      this.#requests.delete(messageId);
      this.#outdated.delete(messageId);
      this.#renewIfWaiting(messageId);
    });
    const changedMembership = ({ userId }: { readonly userId: string }): void => {
      if (userId === core.now.me.id) this.#renewSoon();
    };
    core.on("member:removed", changedMembership);
    core.on("member:updated", changedMembership);
    // Nobody chooses while they are muted.
    const changedMute = ({ kind }: { readonly kind: string }): void => {
      if (kind === "mute") this.#renewSoon();
    };
    core.on("member:restricted", changedMute);
    core.on("member:unrestricted", changedMute);
    core.on("conversation:new", () => this.#renewSoon());
    core.on("conversation:deleted", () => this.#renewSoon());
  }

  /** Calls `handler` each time. Returns a function that ends this. */
  on<Name extends keyof CardsEvents>(name: Name, handler: (payload: CardsEvents[Name]) => void): () => void {
    return this.#events.on(name, handler);
  }

  /** @internal As of `ChatPart`. */
  loaded(): void {
    this.#isListOutdated = true;
    for (const [id, card] of this.#known) if (card?.state === "open") this.#outdated.add(id);
  }

  /** @internal */
  connected(): void {
    // Counts have changed without an event, and what was asked before may never be answered.
    for (const [id, card] of this.#known)
      if (card === null || (card.state === "open" && card.decide !== "first")) this.#outdated.add(id);
    for (const id of this.#requests.keys()) this.#outdated.add(id);
    this.#requests.clear();
    void this.#reload();
    if (this.#isListOutdated) this.#renewSoon();
  }

  /** @internal */
  lost(): void {
    this.#reloading = null;
    if (this.#listing !== null) this.#isListOutdated = true;
    this.#listing = null;
    this.stopped();
  }

  /** @internal */
  stopped(): void {
    clearTimeout(this.#renewal);
    this.#renewal = undefined;
  }

  /**
   * Returns the card of a message, with what the reader has chosen (`mine`). Undefined until `load` has loaded it, and
   * null if it could not be loaded.
   */
  known(messageId: string): SeenCard | null | undefined {
    return this.#known.get(messageId);
  }

  /**
   * Loads the card of a message, also again, with what others have chosen. Never rejects. After a gap in the connection, open
   * cards and those that could not be loaded are loaded again without this.
   */
  load(messageId: string): Promise<void> {
    const earlier = this.#requests.get(messageId);
    if (earlier !== undefined) return earlier.answered;
    const changes: Change[] = [];
    const answered = this.#core.rest
      .get<SeenCard>(`messages/${encodeURIComponent(messageId)}/card`)
      .catch(() => null)
      .then((card) => {
        if (this.#requests.get(messageId)?.changes !== changes) return;
        this.#requests.delete(messageId);
        if (card !== null)
          this.#set(
            messageId,
            changes.reduce((now, change) => change(now), card),
          );
        else if (!this.#known.get(messageId)) this.#set(messageId, null);
      });
    this.#requests.set(messageId, { changes, answered });
    return answered;
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
    const { messageId, conversationId, state, outcome, counts, endedAt, actionId, input, decidedBy, mine } = card;
    const before = this.#known.get(messageId);
    // The event of the end may overtake the acknowledgement of an earlier choice.
    const isOver = before && before.state !== "open" && state === "open";
    // What is being loaded may be older.
    this.#requests.delete(messageId);
    this.#set(messageId, isOver ? { ...before, ...given({ mine }) } : card);
    const of = { messageId, conversationId };
    if (state === "open") {
      if (counts !== undefined) this.#core.handleMissed("card:updated", { ...of, counts });
      this.#renewIfWaiting(messageId);
    } else {
      const end = given({ outcome, counts, endedAt, actionId, input, decidedBy });
      this.#core.handleMissed("card:decided", { ...of, state, ...end });
    }
    return card;
  }

  #chosen(messageId: string, actionIds: readonly string[]): void {
    this.#change(messageId, (card) => {
      const { mine, ...others } = card;
      if (String(mine?.actionIds ?? []) === String(actionIds)) return card;
      if (actionIds.length === 0) return others;
      return { ...others, mine: { actionIds: [...actionIds], at: new Date().toISOString() } };
    });
    this.#renewIfWaiting(messageId);
  }

  #change(messageId: string, change: Change): void {
    this.#requests.get(messageId)?.changes.push(change);
    const before = this.#known.get(messageId);
    if (!before) return;
    const after = change(before);
    if (after === before) return;
    this.#known.set(messageId, after);
    this.#emit();
  }

  #set(messageId: string, card: SeenCard | null): void {
    this.#known.set(messageId, card);
    this.#outdated.delete(messageId);
    this.#emit();
  }

  #emit(): void {
    this.#events.emit("change", this);
  }

  /** Loads what is outdated, one after the other: after an interruption, all clients do so at once. */
  async #reload(): Promise<void> {
    const attempt = {};
    this.#reloading = attempt;
    for (const id of [...this.#outdated]) {
      if (this.#reloading !== attempt) return;
      await this.load(id);
      // Messages show the counts, too.
      const { state, counts, conversationId } = this.#known.get(id) ?? {};
      if (state === "open" && counts)
        this.#core.handleMissed("card:updated", { messageId: id, conversationId, counts });
    }
  }

  /** Renews the list if the card may be in it, or behind the cards that are in it. */
  #renewIfWaiting(messageId: string): void {
    const { items, count } = this.waiting;
    const isInList = count > items.length || items.some((each) => each.messageId === messageId);
    if (isInList || this.#listing !== null) this.#renewSoon();
  }

  #renewSoon(ms = GATHER_MS): void {
    this.#isListOutdated = true;
    if (!this.#isListed || !this.#core.now.connected) return;
    this.#renewal ??= setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    this.stopped();
    const request = {};
    this.#listing = request;
    this.#isListOutdated = false;
    try {
      const waiting = await this.#core.rest.get<WaitingCards>("cards?open=mine");
      if (this.#listing !== request) return;
      this.#listing = null;
      this.#failures = 0;
      this.#waiting = waiting;
      this.#emit();
    } catch (error) {
      if (this.#listing !== request) return;
      this.#listing = null;
      this.#isListOutdated = true;
      // After other refusals, the next change or the next connection loads it.
      if (error instanceof RequestError && error.isTransient) this.#renewSoon(pauseAfter(this.#failures++, error));
    }
  }
}

/** Returns whether a new message's card may wait for a reader. Only the server knows who has a role. */
function mayWaitFor(me: string, { card, senderId }: Message): boolean {
  if (card === undefined || card.decide === "poll" || card.state !== "open") return false;
  const { who } = card;
  if ([...(who?.users ?? []), ...(who?.agents ?? [])].includes(me)) return true;
  if (senderId === me) return who?.author === true;
  return who === undefined || (who.roles ?? []).length > 0;
}
