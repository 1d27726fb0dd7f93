/** The chat of the signed-in user: its parts, and what concerns all of them. It does not depend on React. */

import type { StoreApi } from "zustand/vanilla";
import type { Api } from "../server/api";
import type { User } from "../server/payloads";
import { Alerts } from "./alerts/alerts";
import { Calls } from "./calls/calls";
import { byId, ConversationStore } from "./conversations/conversation_store";
import { Invitations } from "./conversations/invitations";
import { Moderation } from "./conversations/moderation";
import { type ChatPart, type ChatState, Core, type MessageDialog, type Overlay, type Panel } from "./core";
import { Files } from "./files/files";
import { Uploads } from "./files/uploads";
import { Messages } from "./messages/messages";
import { Pins } from "./messages/pins";
import { Threads } from "./messages/threads";
import { Offers } from "./offers/offers";
import { OfflineState } from "./offline_state";
import { own } from "./own";
import { Idle } from "./people/idle";
import { People } from "./people/people";
import { PresenceStore } from "./people/presence";
import { Profile } from "./people/profile";
import { Push } from "./push/push";
import { MessageSearch } from "./search/message_search";
import { composingOf } from "./writing/drafts";
import { EmojiStore } from "./writing/emoji";
import { Typing } from "./writing/typing";

export class Chat {
  /** Called with a code when the session ends. */
  onEnd: (reason: string) => void = () => undefined;
  readonly state: StoreApi<ChatState>;
  readonly conversations: ConversationStore;
  readonly messages: Messages;
  readonly threads: Threads;
  readonly pins: Pins;
  /** The message searches of the search panel and of the sidebar. */
  readonly search: MessageSearch;
  readonly finder: MessageSearch;
  readonly typing: Typing;
  readonly uploads: Uploads;
  readonly files: Files;
  readonly emoji = new EmojiStore();
  readonly presence: PresenceStore;
  readonly idle: Idle;
  readonly people: People;
  readonly moderation: Moderation;
  readonly invitations: Invitations;
  readonly profile: Profile;
  readonly alerts: Alerts;
  readonly push: Push;
  readonly offers: Offers;
  readonly calls: Calls;
  readonly #offlineState: OfflineState;
  readonly #core: Core;
  readonly #parts: readonly ChatPart[];
  #isOver = false;

  constructor(api: Api, me: User) {
    const core = new Core(api, me, {
      opened: (recovered) => this.#opened(recovered),
      unreachable: () => void this.#showOfflineState(),
      lost: () => this.#lost(),
      ended: (reason) => this.endSession(reason),
    });
    this.#core = core;
    this.state = core.state;
    this.conversations = new ConversationStore(core);
    this.uploads = new Uploads(core);
    this.files = new Files(core);
    this.messages = new Messages(core, this.uploads);
    this.threads = new Threads(core);
    this.pins = new Pins(core);
    this.search = new MessageSearch(api);
    this.finder = new MessageSearch(api);
    this.typing = new Typing(core);
    this.presence = new PresenceStore(core);
    this.alerts = new Alerts(core);
    this.push = new Push(core);
    this.offers = new Offers(core);
    this.calls = new Calls(core);
    this.idle = new Idle(core, this.presence);
    this.people = new People(core, this.conversations);
    this.moderation = new Moderation(core);
    this.invitations = new Invitations(core);
    this.messages.onRefused = (id, refused) => this.moderation.refused(id, refused);
    this.profile = new Profile(core);
    this.#offlineState = new OfflineState(core);
    this.#parts = [
      this.#offlineState,
      this.presence,
      this.idle,
      this.people,
      this.profile,
      this.messages,
      this.uploads,
      this.threads,
      this.pins,
      this.typing,
      this.alerts,
      this.push,
      this.offers,
      this.calls,
    ];
    core.on("message:new", ({ conversationId }) => {
      if (own(core.now.conversations, conversationId) === undefined) void this.conversations.load(conversationId);
    });
  }

  start(): void {
    for (const part of this.#parts) part.started?.();
    addEventListener("online", this.reconnectNow);
    this.#core.connection.open();
  }

  stop(): void {
    for (const part of this.#parts) part.stopped?.();
    removeEventListener("online", this.reconnectNow);
    this.#core.connection.close();
  }

  /** Ends the chat and removes what this browser has saved, for a user who signs out. */
  async end(): Promise<void> {
    this.stop();
    await Promise.all([this.push.unsubscribe(), this.#offlineState.forget()]);
  }

  /** Ends the chat because the server has ended the session; `reason` is a code. */
  endSession(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.stop();
    void this.#offlineState.forget();
    void this.push.forget();
    this.onEnd(reason);
  }

  /** Opens a conversation, at a message or where the reader left off; null closes it. */
  async open(id: string | null, messageId?: string): Promise<void> {
    const { me, openId, conversations, panel } = this.#core.now;
    const conversation = id === null ? undefined : own(conversations, id);
    // Properties of every object, such as `constructor`, would be found in each part's state.
    if (id !== null && conversation === undefined && id in Object.prototype) return this.open(null);
    if (id !== openId) {
      const unread = conversation?.unreadCount ?? 0;
      this.state.setState({
        openId: id,
        composing: id === null ? null : composingOf(me.id, id),
        panel: panel?.kind === "search" ? panel : null,
        messageDialog: null,
        target: null,
        keptUnread: null,
        notice: "",
        unreadAfter: unread > 0 ? (conversation?.readSeq ?? 0) : null,
      });
    }
    if (id === null) return;
    // Conversations in lists have no members, and so no read positions of members.
    if (conversation?.members === undefined) void this.conversations.load(id);
    void this.pins.load(id);
    await this.messages.open(id, messageId);
  }

  /** Reconnects to the server at once. */
  readonly reconnectNow = (): void => this.#core.connection.reconnectNow();

  /** Opens a panel beside the conversation; null closes it. */
  openPanel(panel: Panel | null): void {
    this.state.setState({ panel });
  }

  /** Opens an overlay; null closes it. */
  openOverlay(overlay: Overlay | null): void {
    this.state.setState({ overlay });
  }

  /** Opens a dialog about a message; null closes it. */
  openMessageDialog(messageDialog: MessageDialog | null): void {
    this.state.setState({ messageDialog });
  }

  /** Announces something to screen readers. */
  announce(announcement: string): void {
    this.state.setState({ announcement });
  }

  /** Shows the reader why an action failed. */
  showNotice(notice: string): void {
    this.state.setState({ notice });
  }

  #opened(recovered: boolean): void {
    if (recovered && this.#core.now.loaded) this.#connected();
    else void this.#loadAll();
  }

  #connected(): void {
    this.state.setState({ connected: true });
    for (const part of this.#parts) part.connected?.();
  }

  #lost(): void {
    this.state.setState({ connected: false });
    for (const part of this.#parts) part.lost?.();
  }

  /** Shows the saved conversations until the server is reachable. */
  async #showOfflineState(): Promise<void> {
    if (this.#core.now.loaded) return;
    const saved = await this.#offlineState.read();
    if (saved !== undefined && !this.#core.now.loaded) this.state.setState({ ...saved, loaded: true });
  }

  /** Reloads everything, since events were missed. */
  async #loadAll(): Promise<void> {
    try {
      const { conversations, presence, next } = await this.#core.loadState();
      this.state.setState({ conversations: byId(conversations), nextConversations: next, loaded: true });
      this.presence.replace(presence);
      for (const part of this.#parts) part.loaded?.();
      this.#connected();
      const { openId } = this.#core.now;
      if (openId !== null) void this.conversations.load(openId);
    } catch {
      // The connection was lost again; the next one reloads everything.
    }
  }
}
