/** What all parts of the chat work with: what they share of the state, the way to the server, and who hears of what. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Api } from "../server/api";
import { Connection, type ConnectionListener } from "../server/connection";
import type { Commands, Conversation, Message, Rights, ServerEvents, User } from "../server/payloads";
import type { ConversationsById } from "./conversations/conversations_by_id";
import type { Timeline } from "./messages/timeline";
import { own } from "./own";

/** What the next text of the open conversation is: an answer to a message, or another text for it. */
export interface Composing {
  readonly kind: "reply" | "edit";
  readonly message: Message;
}

/** What the reader is asked, or shown, about a message in front of everything else. */
export interface MessageDialog {
  readonly kind: "delete" | "forward" | "history" | "reactions" | "receipts";
  readonly message: Message;
}

/** What stands beside the open conversation. */
export type Panel =
  | { readonly kind: "details" }
  | { readonly kind: "pins" }
  | { readonly kind: "search" }
  | { readonly kind: "offers" }
  /** `messageId`: the reply to go to. */
  | { readonly kind: "thread"; readonly rootId: string; readonly messageId?: string };

/** What the keyboard opens in front of everything. */
export type Overlay = "switcher" | "shortcuts";

export interface ChatState {
  readonly me: User;
  readonly connected: boolean;
  /** Whether the conversations are here. */
  readonly loaded: boolean;
  readonly conversations: ConversationsById;
  /** Where the server's list of conversations goes on; null: all are here. */
  readonly nextConversations: string | null;
  readonly openId: string | null;
  /** Up to which `seq` the open conversation was read when it was opened; null when nothing was unread. */
  readonly unreadAfter: number | null;
  /** Whether the end of the open conversation is in sight, so that what comes is read at once. */
  readonly watched: boolean;
  /** The open conversation that stays unread until the reader leaves it, because they marked it as unread; null: none. */
  readonly keptUnread: string | null;
  /** The message that the reader wants to be shown in the open conversation. */
  readonly target: Target | null;
  readonly timelines: Readonly<Record<string, Timeline>>;
  readonly composing: Composing | null;
  readonly panel: Panel | null;
  readonly overlay: Overlay | null;
  readonly messageDialog: MessageDialog | null;
  /** Of whom the reader does not want to hear: their ids. */
  readonly blocked: ReadonlySet<string>;
  /** What the server lets the reader do. Until it has said so, everything is offered: the server decides anyway. */
  readonly rights: Rights;
  /** Why the last thing that the reader did was refused; empty when it was not. */
  readonly notice: string;
  /** The newest message of somebody else in the open conversation, for who cannot see it. */
  readonly announcement: string;
}

/** A message to go to, or null for the newest; asking for the same one again is another target. */
export interface Target {
  readonly messageId: string | null;
}

/** A part of the chat, told of what happens to the connection. */
export interface ChatPart {
  /** The chat begins; nothing is here yet. */
  started?(): void;
  /** Everything was loaded afresh: what this part has may be old, and whatever was missed is not told. */
  loaded?(): void;
  /** The connection is there, and events are told; after `loaded`, where that comes. */
  connected?(): void;
  lost?(): void;
  /** The session is over. */
  stopped?(): void;
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

  /** Has the events of that name handed to `handler`, after those that asked before. */
  on<Name extends keyof ServerEvents>(name: Name, handler: Handler<Name>): void {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
  }

  /** What the server answers to an event. Rejects with `RequestError`. */
  call<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): Promise<Commands[Name]["reply"]> {
    return this.connection.call(name, payload);
  }

  /** Of which nothing comes back; without a connection it is dropped. */
  send<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): void {
    this.connection.send(name, payload);
  }

  /** Does what the reader asked for. A refusal is shown, and answered with undefined. */
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

  /** Whether what comes in that conversation is read at once. */
  isWatched(conversationId: string): boolean {
    const { watched, openId, keptUnread } = this.now;
    return watched && openId === conversationId && keptUnread !== conversationId;
  }

  /** Changes a conversation that is here. */
  changeConversation(id: string, change: (before: Conversation) => Conversation): void {
    const before = own(this.now.conversations, id);
    if (before === undefined) return;
    this.state.setState(({ conversations }) => ({ conversations: { ...conversations, [id]: change(before) } }));
  }
}
