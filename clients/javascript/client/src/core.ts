/** What all parts of the client use: their shared state, requests to the server, and its events. */

import { createStore } from "zustand/vanilla";
import { includes, type MissedEvents, missedEvents } from "./catching_up.ts";
import type { ConversationsById } from "./conversations/conversations_by_id.ts";
import type { Timeline } from "./messages/timeline.ts";
import { own } from "./own.ts";
import { Connection, type ConnectionListener } from "./server/connection.ts";
import type { Commands, Conversation, Presence, Rights, ServerEvents, User } from "./server/payloads.ts";
import { RequestError } from "./server/request_error.ts";
import type { Rest } from "./server/rest.ts";
import { GrowingMessages } from "./streams/growing_messages.ts";

/** What is known of the chat. */
export interface ClientState {
  readonly me: User;
  readonly connected: boolean;
  /** Whether all events that were missed have come, so that those that arrive are new. */
  readonly caughtUp: boolean;
  /** Whether the conversations are loaded. */
  readonly loaded: boolean;
  readonly conversations: ConversationsById;
  /** The cursor of the next page of conversations; null on the last one. */
  readonly nextConversations: string | null;
  /** The unread messages of the conversations that are not loaded. */
  readonly unreadElsewhere: number;
  readonly timelines: Readonly<Record<string, Timeline>>;
  /** The ids of the users whom the reader has blocked. */
  readonly blocked: ReadonlySet<string>;
  /** The reader's rights on the server. All conversations may be created until they are loaded; the server enforces them. */
  readonly rights: Rights;
}

/** A store of zustand. An application may keep more in it than this library does. */
export interface StateStore<State> {
  getState(): State;
  getInitialState(): State;
  setState(change: Partial<State> | ((before: State) => Partial<State>)): void;
  subscribe(listener: (now: State, before: State) => void): () => void;
}

/** A part of the client that follows the connection's state. */
export interface ChatPart {
  /** The user is known; nothing is loaded. */
  started?(): void;
  /** Everything is about to be replaced by what was reloaded. */
  replacing?(): void;
  /** Everything was reloaded: this part's data may be outdated, and missed events are not repeated. */
  loaded?(): void;
  /** The events that were missed were handled. What no event says may be outdated. */
  caughtUp?(): void;
  /** The connection is open and events arrive. Follows `loaded` or `caughtUp`, when events were missed. */
  connected?(): void;
  lost?(): void;
  /** The session is over. */
  stopped?(): void;
}

/** The newest conversations, the presence of contacts, and the cursor of further conversations. */
export interface LoadedState {
  readonly conversations: readonly Conversation[];
  readonly presence: readonly Presence[];
  readonly next: string | null;
  /** The position of the events that follow; null if it is unknown. */
  readonly cursor: string | null;
}

/** An event that has arrived: its name, its payload and its position in the log, if it has one. */
type Arrived = readonly [name: string, payload: unknown, offset: string | undefined];

type Handler<Name extends keyof ServerEvents> = (payload: ServerEvents[Name]) => void;

export class Core {
  readonly state: StateStore<ClientState>;
  readonly rest: Rest;
  readonly connection: Connection;
  readonly growing: GrowingMessages = new GrowingMessages();
  readonly #handlers = new Map<string, ((payload: never) => void)[]>();
  readonly #others: ((name: string, payload: unknown) => void)[] = [];
  /** Events that arrived while those before them were being loaded; null: none are. */
  #held: Arrived[] | null = null;
  /** The position after the events that were handled; null if it is unknown. */
  #cursor: string | null = null;
  /** Whether events have a position, which the setting `recovery` can turn off. */
  #hasOffsets = false;

  /** `more`: what else the application keeps in the state. */
  constructor(rest: Rest, me: User, listener: Omit<ConnectionListener, "received">, more: object = {}) {
    this.rest = rest;
    this.state = createStore<ClientState>(() => ({
      me,
      connected: false,
      caughtUp: false,
      loaded: false,
      conversations: {},
      nextConversations: null,
      unreadElsewhere: 0,
      timelines: {},
      blocked: new Set<string>(),
      rights: {
        createDirect: true,
        createGroup: true,
        createChannel: true,
        deleteConversation: true,
        chooseHandle: false,
      },
      ...more,
    }));
    this.connection = new Connection(rest, () => this.now.me.id, {
      ...listener,
      received: (...arrived) => {
        if (arrived[0] === "connected") this.#hasOffsets = arrived[2] !== undefined;
        if (this.#held === null) this.#handle(...arrived);
        else this.#held.push(arrived);
      },
    });
    this.on("message:delta", (delta) => this.growing.receive(delta));
    this.on("message:updated", ({ id, state }) => {
      if (state !== "streaming") this.growing.ended(id);
    });
    this.on("message:deleted", ({ messageId }) => this.growing.ended(messageId));
  }

  get now(): ClientState {
    return this.state.getState();
  }

  /** The position of the last event that was handled; null when it is not known. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Calls `handler` for each event with this name, after earlier handlers. */
  on<Name extends keyof ServerEvents>(name: Name, handler: Handler<Name>): void {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
  }

  /** Calls `handler` for each event, after the handlers of its name. */
  onAny(handler: (name: string, payload: unknown) => void): void {
    this.#others.push(handler);
  }

  /**
   * Holds events back while `load` loads those before them or replaces the state, and handles them afterwards, except
   * those up to the cursor that `load` returns. Drops them when `load` fails: the next attempt loads them.
   */
  async holdingEvents(load: () => Promise<string | null>): Promise<void> {
    const held: Arrived[] = [];
    this.#held = held;
    try {
      const cursor = await load();
      this.#held = null;
      this.#cursor = this.#hasOffsets ? cursor : null;
      for (const arrived of held) if (!includes(cursor, arrived[2])) this.#handle(...arrived);
    } finally {
      if (this.#held === held) this.#held = null;
    }
  }

  /** Handles an event that was missed, as if it arrived now. */
  handleMissed(name: string, payload: unknown): void {
    this.#handle(name, payload, undefined);
  }

  #handle(name: string, payload: unknown, offset: string | undefined): void {
    if (offset && this.#cursor !== null) this.#cursor = offset;
    for (const handler of this.#handlers.get(name) ?? []) handler(payload as never);
    for (const handler of this.#others) handler(name, payload);
  }

  /** Sends a command and returns the server's reply. Rejects with `RequestError`. */
  call<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): Promise<Commands[Name]["reply"]> {
    return this.connection.call(name, payload);
  }

  /**
   * Returns the events since the last one that was handled, or since another cursor; null when everything has to be
   * reloaded. Rejects with a transient `RequestError`.
   */
  async missedEvents(after: string | null = this.#cursor): Promise<MissedEvents | null> {
    if (after === null) return null;
    return missedEvents((question) => this.call("sync", question), after, this.now);
  }

  /**
   * Returns the current state. The server refuses `sync` to admins, who load their conversations instead; presence then
   * arrives with the subscriptions.
   */
  async loadState(limit = 100): Promise<LoadedState> {
    try {
      const { conversations = [], presence = [], next = null, cursor } = await this.call("sync", { limit });
      return { conversations, presence, next, cursor };
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "forbidden") throw error;
      const { conversations, cursor: next = null } = await this.call("conversations:list", { limit });
      return { conversations, presence: [], next, cursor: null };
    }
  }

  /** Sends a command without waiting for a reply. Drops it without a connection. */
  send<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): void {
    this.connection.send(name, payload);
  }

  /** Returns whether new messages of a conversation are read at once. An application that shows it may say so. */
  isWatched(_conversationId: string): boolean {
    return false;
  }

  /** Changes a loaded conversation. */
  changeConversation(id: string, change: (before: Conversation) => Conversation): void {
    const before = own(this.now.conversations, id);
    if (before === undefined) return;
    this.state.setState(({ conversations }) => ({ conversations: { ...conversations, [id]: change(before) } }));
  }
}
