/** What all parts of the page use: the client's state and what the page shows of it. */

import {
  type Commands,
  type Message,
  type Offer,
  type RequestError,
  type ServerEvents,
  type Team,
  UNREACHABLE,
  type User,
} from "@talkwire/client";
import { type ClientState, type ConnectionListener, Core, type StateStore } from "@talkwire/client/parts";
import type { Api } from "../server/api";
import { named } from "../server/erased_names";
import { worded } from "../server/worded_error";
import type { Features } from "./conversations/unread";

/** The message that the open conversation's composer replies to or edits. */
export interface Composing {
  readonly kind: "reply" | "edit";
  readonly message: Message;
  /** What the draft replies to, which waits until the edit is over. */
  readonly replyTo?: Message;
}

/** The dialog about a message that is open. */
export type MessageDialog = { readonly message: Message } & (
  | { readonly kind: "actions" | "choices" | "delete" | "end" | "forward" | "history" }
  | { readonly kind: "rating" | "reactions" | "receipts" | "report" }
  /** `actionId`: the action of the message's card that the reader wants to choose. */
  | { readonly kind: "choice"; readonly actionId: string }
);

/** The form for an offer that is open. */
export interface OfferForm {
  readonly conversationId: string;
  /** The offer that the new one replaces. */
  readonly counterTo?: Offer;
}

/** The panel beside the open conversation. */
export type Panel =
  | { readonly kind: "details" }
  | { readonly kind: "pins" }
  | { readonly kind: "search" }
  /** `found`: the offer to scroll to. */
  | { readonly kind: "offers"; readonly found?: Offer }
  | { readonly kind: "files" }
  /** The notes of the conversation's teams. */
  | { readonly kind: "notes" }
  /** `messageId`: the reply to scroll to; `isFromList`: the reader comes from the list of threads. */
  | { readonly kind: "thread"; readonly rootId: string; readonly messageId?: string; readonly isFromList?: true };

/** What opens in front of the page, whatever is open in it. */
export type Overlay = "switcher" | "shortcuts" | "threads" | "waiting";

/** The unread messages of the open conversation: the `seq` after which they come, and how many there are. */
export interface UnreadMessages {
  readonly after: number;
  readonly count: number;
  /** Whether they count as read although some were never on the screen, since the reader has written below them. */
  readonly isAnswered?: boolean;
}

/** A short text that disappears by itself, with what the reader may do next, such as to undo what was done. */
export interface Toast {
  readonly text: string;
  readonly action?: ToastAction;
  /** The conversation that it is about, or the message there, which the reader can open. */
  readonly leadsTo?: { readonly conversationId: string; readonly messageId?: string | undefined };
  /** Whether it is about something that others did, which the reader does not expect. */
  readonly isNews?: true;
  /** The id of the conversation that the reader is not in any more. The toast disappears when they are again. */
  readonly endedId?: string;
}

export interface ToastAction {
  readonly label: string;
  readonly run: () => void;
}

/** What the reader has written and not sent in a conversation that they are no longer in. */
export interface LeftBehind {
  readonly conversationId: string;
  /** The conversation's name; empty if it is not known any more. */
  readonly name: string;
  readonly texts: readonly string[];
  /** The names of the files. */
  readonly files: readonly string[];
}

/** What the page shows. */
interface PageState {
  readonly openId: string | null;
  /** What was unread when the open conversation was opened, or has come while the reader was elsewhere; null: nothing. */
  readonly unread: UnreadMessages | null;
  /** Whether the end of the open conversation is in sight. */
  readonly watched: boolean;
  /** Whether unread messages of the open conversation are above the screen and were never on it: then nothing is read. */
  readonly skips: boolean;
  /** The open conversation that the reader marked as unread, which stays unread until they leave it; null: none. */
  readonly keptUnread: string | null;
  /** The message that the open conversation scrolls to. */
  readonly target: Target | null;
  readonly composing: Composing | null;
  readonly panel: Panel | null;
  readonly overlay: Overlay | null;
  /** What the reader searches in the list of conversations; empty for nothing. */
  readonly listQuery: string;
  /** The teams that the reader is in. */
  readonly teams: readonly Team[];
  /** The team whose desk is in the place of the list of conversations; null: none. */
  readonly deskId: string | null;
  readonly messageDialog: MessageDialog | null;
  readonly offerForm: OfferForm | null;
  /** Why the reader's last action was refused; empty when it succeeded. */
  readonly notice: string;
  /** The text of the last notice that only informs: such a notice disappears by itself. */
  readonly news: string;
  /** What the reader's last action did, or that the open conversation is gone, if nothing else shows it. */
  readonly toast: Toast | null;
  /** What the reader has written in conversations that they are no longer in. */
  readonly leftBehind: readonly LeftBehind[];
  /** What the operator has switched on. */
  readonly features: Features;
  /** What screen readers announce: the newest message of another user, or what has happened. */
  readonly announcement: string;
}

/** The client's state and the page's, in one store. */
export type ChatState = ClientState & PageState;

/** A message to scroll to; null: the newest one. A repeated request is another object. */
export interface Target {
  readonly messageId: string | null;
}

const NOTHING_SHOWN: PageState = {
  openId: null,
  unread: null,
  watched: false,
  skips: false,
  keptUnread: null,
  target: null,
  composing: null,
  panel: null,
  overlay: null,
  listQuery: "",
  teams: [],
  deskId: null,
  messageDialog: null,
  offerForm: null,
  notice: "",
  news: "",
  toast: null,
  leftBehind: [],
  features: { offers: false, offerCurrency: "EUR" },
  announcement: "",
};

export class PageCore extends Core {
  declare readonly state: StateStore<ChatState>;
  readonly api: Api;
  /** The notice that the server cannot be reached, which ends with the next connection. */
  #unreachable = "";

  constructor(api: Api, me: User, listener: Omit<ConnectionListener, "received">) {
    super(api, me, listener, NOTHING_SHOWN);
    this.api = api;
    this.state.subscribe(({ connected, notice }, before) => {
      if (connected && !before.connected && notice !== "" && notice === this.#unreachable)
        this.state.setState({ notice: "" });
    });
  }

  override get now(): ChatState {
    return this.state.getState();
  }

  override on<Name extends keyof ServerEvents>(name: Name, handler: (payload: ServerEvents[Name]) => void): void {
    super.on(name, (payload) => handler(named(payload)));
  }

  /** Rejects with a message in the reader's language. */
  override async call<Name extends keyof Commands>(
    name: Name,
    payload: Commands[Name]["payload"],
  ): Promise<Commands[Name]["reply"]> {
    try {
      return named(await super.call(name, payload));
    } catch (error) {
      throw worded(error);
    }
  }

  /** Runs an action of the reader. Shows an error and returns undefined when it fails. */
  async attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      const reply = await action();
      if (this.now.notice !== "") this.state.setState({ notice: "" });
      return reply;
    } catch (error) {
      const { code, message } = error as RequestError;
      this.state.setState({ notice: message });
      if (code === UNREACHABLE) this.#unreachable = message;
      return undefined;
    }
  }

  /** Shows a notice that only informs. An empty one ends what is shown. */
  inform(news: string): void {
    this.state.setState({ notice: news, news });
  }

  /** Returns whether new messages of a conversation are read at once. */
  override isWatched(conversationId: string): boolean {
    const { caughtUp, watched, skips, openId, keptUnread } = this.now;
    return caughtUp && watched && !skips && openId === conversationId && keptUnread !== conversationId;
  }
}
