/** A server with cards, for tests of what shows and asks them: it answers requests and commands, and sends events. */

import { vi } from "vitest";
import { type Cards, cardsOf } from "../src/cards/index.ts";
import { Client } from "../src/client.ts";
import { Core } from "../src/core.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import type { ActOnCardCommand, AskedCard, Card, CardDecided, Message, SeenCard } from "../src/server/payloads.ts";
import { RequestError, unreachable } from "../src/server/request_error.ts";
import type { Rest } from "../src/server/rest.ts";
import { MemoryStorage, storesIn } from "../src/storage/stores.ts";
import { Talkwire } from "../src/talkwire.ts";
import { conversation, ME, message } from "./samples.ts";

/** What the tests replace `Connection` by. */
export const connection = {
  call: vi.fn(),
  receive: (() => undefined) as ConnectionListener["received"],
};

export const PIZZA: AskedCard = {
  title: "Lunch?",
  actions: [
    { id: "pizza", label: "Pizza" },
    { id: "soup", label: "Soup" },
  ],
  decide: "first",
};

export const busy = (retryAfterMs: number): RequestError =>
  new RequestError({ code: "rate_limited", message: "Wait.", details: { retryAfterMs } });

export const refused = (code = "forbidden"): RequestError => new RequestError({ code, message: "No." });

/** An open card as it is in a message. */
export const card = (changes: Partial<Card> = {}): Card =>
  ({ ...PIZZA, digest: "d", state: "open", counts: { pizza: 0, soup: 0 }, ...changes }) as Card;

export class CardServer {
  readonly cards = new Map<string, SeenCard>();
  /** The ids of the cards that wait for the reader. */
  waiting: string[] = [];
  /** How many cards wait, if they are more than a page. */
  count: number | undefined;
  /** The requests and commands about cards, in order. */
  readonly asked: string[] = [];
  /** The bodies and keys of the messages that were sent. */
  readonly sent: { readonly body: object; readonly key: string }[] = [];
  /** What the next requests fail with; null: they do not fail. */
  readonly faults: (RequestError | "hangs" | "early" | null)[] = [];
  /** Answers wait for this. They are what they were when they were asked for. */
  gate: Promise<void> = Promise.resolve();
  /** The signals of the long requests that are not answered yet. */
  readonly open = new Set<AbortSignal | undefined>();
  /** The messages of the conversation. */
  readonly messages: Message[] = [];
  /** Whether the server repeats missed events after a lost connection. */
  isRecovered = true;
  readonly client: Client;
  readonly chat: Talkwire;
  readonly #waits = new Set<() => void>();

  constructor() {
    connection.call.mockImplementation((name: string, payload: unknown) => this.#command(name, payload));
    const rest = {
      renewAddressToken: async () => undefined,
      get: (path: string, signal?: AbortSignal) => this.#get(path, signal),
      postOnce: (path: string, body: object, key: string) => this.#post(path, body, key),
    } as unknown as Rest;
    const core = new Core(rest, { id: ME, name: ME, createdAt: "", kind: "person" }, {} as ConnectionListener);
    this.client = new Client(core, storesIn(new MemoryStorage()));
    this.chat = new Talkwire({ client: this.client });
    connection.receive("connected", {}, "log-1");
  }

  get shown(): Cards {
    return cardsOf(this.chat);
  }

  get isStored(): boolean {
    return this.sent.length > 0;
  }

  /** Adds a card that the server has. */
  add(messageId: string, changes: Partial<SeenCard> = {}): SeenCard {
    const added = { ...card(), messageId, conversationId: "c", ...changes } as SeenCard;
    this.cards.set(messageId, added);
    return added;
  }

  /** Changes a card without an event. */
  change(messageId: string, changes: Partial<SeenCard>): void {
    this.cards.set(messageId, { ...(this.cards.get(messageId) as SeenCard), ...changes });
  }

  /** Ends a decision, and sends what the server sends. */
  decide(messageId: string, changes: Partial<CardDecided> = {}): void {
    const { conversationId } = this.cards.get(messageId) as SeenCard;
    const end = { state: "decided", outcome: "decided", actionId: "pizza", ...changes } as const;
    const { content: _, ...members } = end;
    this.change(messageId, members as Partial<SeenCard>);
    this.emit("card:decided", { messageId, conversationId, ...end });
    for (const wake of this.#waits) wake();
  }

  emit(name: string, payload: unknown): void {
    connection.receive(name, payload, undefined);
  }

  async connect(): Promise<void> {
    this.client.opened(this.isRecovered);
    await vi.waitUntil(() => this.client.core.now.connected && this.client.core.now.caughtUp);
  }

  /** Loses the connection, and connects again. */
  async reconnect(): Promise<void> {
    this.client.lost();
    await this.connect();
  }

  /** Returns the requests about cards since the last call. */
  taken(): string[] {
    return this.asked.splice(0);
  }

  async #get(path: string, signal: AbortSignal | undefined): Promise<unknown> {
    if (path.startsWith("users/me")) return { items: [], next: null };
    if (path.startsWith("conversations/")) return conversation("c");
    this.asked.push(path);
    const { gate } = this;
    const fault = this.faults.shift();
    const [, id = ""] = /^messages\/(.*)\/card/.exec(path) ?? [];
    if (path.endsWith("?wait=60") && fault !== "early" && !(fault instanceof RequestError))
      await this.#end(id, fault === "hangs", signal);
    const answer = this.#answer(path, id);
    await gate;
    if (fault instanceof RequestError) throw fault;
    if (answer instanceof RequestError) throw answer;
    return answer;
  }

  #answer(path: string, id: string): unknown {
    const items = this.waiting.map((each) => this.cards.get(each));
    if (path === "cards?open=mine") return { items, count: this.count ?? items.length };
    if (path.endsWith("/receipt")) return { receipt: `receipt of ${id}` };
    return structuredClone(this.cards.get(id)) ?? refused("not_found");
  }

  /** Waits for the end of a decision, at most a minute, or until the request is aborted. */
  async #end(id: string, hangs: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (!hangs && this.cards.get(id)?.state !== "open") return;
    this.open.add(signal);
    try {
      await new Promise<void>((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(unreachable()), { once: true });
        if (hangs) return;
        const timer = setTimeout(resolve, 60_000);
        const wake = (): void => {
          clearTimeout(timer);
          this.#waits.delete(wake);
          resolve();
        };
        this.#waits.add(wake);
        signal?.addEventListener("abort", wake, { once: true });
      });
    } finally {
      this.open.delete(signal);
    }
  }

  async #post(path: string, body: object, key: string): Promise<unknown> {
    this.asked.push(path);
    const fault = this.faults.shift();
    if (fault === "hangs") return new Promise(() => undefined);
    // Its answer is lost: the message is stored.
    if (!(fault instanceof RequestError) || fault.code === "unreachable") {
      this.sent.push({ body, key });
      if (!this.cards.has("asked")) this.add("asked");
    }
    if (fault instanceof RequestError) throw fault;
    return message(1, { id: "asked", card: card() });
  }

  async #command(name: string, payload: unknown): Promise<unknown> {
    if (name === "sync") return { success: true, conversations: [conversation("c")], cursor: "log-1", events: [] };
    if (name === "unread:get") return { success: true, messages: 0, mentions: 0, conversations: 0 };
    if (name === "messages:list") return { success: true, messages: this.messages, lastSeq: 0 };
    if (name === "message:send") return { success: true, message: this.#stored(payload as Partial<Message>) };
    if (!name.startsWith("card:")) return { success: true };
    this.asked.push(name);
    const { messageId, actionIds } = payload as ActOnCardCommand;
    const fault = this.faults.shift();
    if (fault instanceof RequestError) throw fault;
    if (name === "card:act") this.change(messageId, { mine: { actionIds: [...actionIds], at: "2026" } });
    if (name === "card:act" && this.cards.get(messageId)?.decide === "first")
      this.change(messageId, { state: "decided", outcome: "decided", actionId: actionIds[0] as string });
    if (name === "card:act") this.change(messageId, { counts: { [actionIds[0] ?? "none"]: 1 } });
    if (name === "card:close") this.change(messageId, { state: "closed", outcome: "closed" });
    if (name === "card:cancel") this.change(messageId, { state: "cancelled", outcome: "cancelled" });
    const answer = structuredClone(this.cards.get(messageId));
    await this.gate;
    return { success: true, card: answer };
  }

  #stored({ card: _, ...payload }: Partial<Message>): Message {
    return message(1, { ...payload, id: "new", senderId: ME, content: "Lunch?", card: card() });
  }
}
