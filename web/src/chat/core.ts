/** What all parts of the chat use: their shared state, requests to the server, and its events. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Api } from "../server/api";
import { Connection, type ConnectionListener } from "../server/connection";
import type { Commands, Conversation, Message, Presence, Rights, ServerEvents, User } from "../server/payloads";
import { RequestError } from "../server/request_error";
import type { ConversationsById } from "./conversations/conversations_by_id";
import type { Timeline } from "./messages/timeline";
import { own } from "./own";

/** The message that the open conversation's composer replies to or edits. */
export interface Composing {
  readonly kind: "reply" | "edit";
  readonly message: Message;
}

/** The dialog about a message that is open. */
export interface MessageDialog {
  readonly kind: "delete" | "forward" | "history" | "reactions" | "receipts";
  readonly message: Message;
}

/** The panel beside the open conversation. */
export type Panel =
  | { readonly kind: "details" }
  | { readonly kind: "pins" }
  | { readonly kind: "search" }
  | { readonly kind: "offers" }
  /** `messageId`: the reply to scroll to. */
  | { readonly kind: "thread"; readonly rootId: string; readonly messageId?: string };

/** The overlay that a keyboard shortcut opens. */
export type Overlay = "switcher" | "shortcuts";

export interface ChatState {
  readonly me: User;
  readonly connected: boolean;
  /** Whether the conversations are loaded. */
  readonly loaded: boolean;
  readonly conversations: ConversationsById;
  /** The cursor of the next page of conversations; null on the last one. */
  readonly nextConversations: string | null;
  readonly openId: string | null;
  /** The `seq` up to which the open conversation was read when it was opened; null without unread messages. */
  readonly unreadAfter: number | null;
  /** Whether the end of the open conversation is in sight, so that new messages are read at once. */
  readonly watched: boolean;
  /** The open conversation that the reader marked as unread, which stays unread until they leave it; null: none. */
  readonly keptUnread: string | null;
  /** The message that the open conversation scrolls to. */
  readonly target: Target | null;
  readonly timelines: Readonly<Record<string, Timeline>>;
  readonly composing: Composing | null;
  readonly panel: Panel | null;
  readonly overlay: Overlay | null;
  readonly messageDialog: MessageDialog | null;
  /** The ids of the users whom the reader has blocked. */
  readonly blocked: ReadonlySet<string>;
  /** The reader's rights on the server. Everything is allowed until they are loaded; the server enforces them. */
  readonly rights: Rights;
  /** Why the reader's last action was refused; empty when it succeeded. */
  readonly notice: string;
  /** The newest message of another user in the open conversation, for screen readers. */
  readonly announcement: string;
}

/** A message to scroll to; null: the newest one. A repeated request is another object. */
export interface Target {
  readonly messageId: string | null;
}

/** A part of the chat that follows the connection's state. */
export interface ChatPart {
  /** The chat starts; nothing is loaded. */
  started?(): void;
  /** Everything was reloaded: this part's data may be outdated, and missed events are not repeated. */
  loaded?(): void;
  /** The connection is open and events arrive. Follows `loaded`, when everything was reloaded. */
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
}

type Handler<Name extends keyof ServerEvents> = (payload: ServerEvents[Name]) => void;

export class Core {
  readonly state: StoreApi<ChatState>;
  readonly api: Api;
  readonly connection: Connection;
  readonly #handlers = new Map<string, ((payload: never) => void)[]>();

  constructor(api: Api, me: User, listener: Omit<ConnectionListener, "received">) {
    this.api = api;
    this.state = createStore<ChatState>(() => ({
      me,
      connected: false,
      loaded: false,
      conversations: {},
      nextConversations: null,
      openId: null,
      unreadAfter: null,
      watched: false,
      keptUnread: null,
      target: null,
      timelines: {},
      composing: null,
      panel: null,
      overlay: null,
      messageDialog: null,
      blocked: new Set(),
      rights: { createDirect: true, createGroup: true, createChannel: true, deleteConversation: true },
      notice: "",
      announcement: "",
    }));
    this.connection = new Connection(api, me.id, {
      ...listener,
      received: (name, payload) => {
        for (const handler of this.#handlers.get(name) ?? []) handler(payload as never);
      },
    });
  }

  get now(): ChatState {
    return this.state.getState();
  }

  /** Calls `handler` for each event with this name, after earlier handlers. */
  on<Name extends keyof ServerEvents>(name: Name, handler: Handler<Name>): void {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
  }

  /** Sends a command and returns the server's reply. Rejects with `RequestError`. */
  call<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): Promise<Commands[Name]["reply"]> {
    return this.connection.call(name, payload);
  }

  /**
   * Returns the current state. The server refuses `sync` to admins, who load their conversations instead; presence then
   * arrives with the subscriptions.
   */
  async loadState(limit = 100): Promise<LoadedState> {
    try {
      const { conversations = [], presence = [], next = null } = await this.call("sync", { limit });
      return { conversations, presence, next };
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "forbidden") throw error;
      const { conversations, cursor = null } = await this.call("conversations:list", { limit });
      return { conversations, presence: [], next: cursor };
    }
  }

  /** Sends a command without waiting for a reply. Drops it without a connection. */
  send<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): void {
    this.connection.send(name, payload);
  }

  /** Runs an action of the reader. Shows an error and returns undefined when it fails. */
  async attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      const reply = await action();
      if (this.now.notice !== "") this.state.setState({ notice: "" });
      return reply;
    } catch (error) {
      this.state.setState({ notice: (error as Error).message });
      return undefined;
    }
  }

  /** Returns whether new messages of a conversation are read at once. */
  isWatched(conversationId: string): boolean {
    const { watched, openId, keptUnread } = this.now;
    return watched && openId === conversationId && keptUnread !== conversationId;
  }

  /** Changes a loaded conversation. */
  changeConversation(id: string, change: (before: Conversation) => Conversation): void {
    const before = own(this.now.conversations, id);
    if (before === undefined) return;
    this.state.setState(({ conversations }) => ({ conversations: { ...conversations, [id]: change(before) } }));
  }
}
