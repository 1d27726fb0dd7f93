/** The chat of the signed-in user: its parts, and what concerns all of them. It does not depend on React. */

import type { Conversation, Message, Offer, Restriction, User } from "@talkwire/client";
import type {
  ClientStores,
  ConversationStore,
  People,
  PresenceStore,
  RemovalReason,
  Saved,
  StateStore,
  Typing,
  Uploads,
} from "@talkwire/client/parts";
import {
  Client,
  Invitations,
  indexedDbStores,
  Moderation,
  OfflineState,
  own,
  Pins,
  storageName,
  Threads,
  teamsOf,
} from "@talkwire/client/parts";
import type { StoreApi } from "zustand/vanilla";
import { repeatable } from "../repeatable_import";
import type { Api } from "../server/api";
import { texts } from "../texts";
import { endTime } from "../time_format";
import { whenIdle } from "../when_idle";
import { Alerts } from "./alerts/alerts";
import { OpenReports } from "./alerts/open_reports";
import { Calls } from "./calls/calls";
import { knownFeatures, rememberFeatures } from "./conversations/known_features";
import { KnownGroups } from "./conversations/known_groups";
import { missedBans } from "./conversations/missed_bans";
import { ReadAll, readOffers } from "./conversations/read_all";
import { unreadOf } from "./conversations/unread";
import { Files } from "./files/files";
import { smallerPicture } from "./files/smaller_picture";
import { keptCursor, LastKnown } from "./last_known";
import { DialogMessage } from "./messages/dialog_message";
import { FollowedThreads } from "./messages/followed_threads";
import { LeftBehindWriting } from "./messages/left_behind";
import { Notices } from "./messages/notices";
import { PageMessages } from "./messages/page_messages";
import { Offers } from "./offers/offers";
import {
  type ChatState,
  type MessageDialog,
  type OfferForm,
  type Overlay,
  PageCore,
  type Panel,
  type ToastAction,
  type UnreadMessages,
} from "./page_core";
import { Idle } from "./people/idle";
import { PageProfile } from "./people/page_profile";
import { type WorkingAgents, workingAgents } from "./people/working_agents";
import { Push } from "./push/push";
import { Search } from "./search/search";
import type { Drafts } from "./writing/drafts";
import { EmojiStore } from "./writing/emoji";

/** What was written and not sent: messages in the outbox, and places with a draft, an edit or files. */
export interface Unsent {
  readonly messages: number;
  readonly drafts: number;
}

/** The dialogs about a message in which the reader writes. */
const FORMS: ReadonlySet<MessageDialog["kind"]> = new Set(["choice", "forward", "rating", "report"]);

export class Chat {
  /** Called with a code when the session ends. */
  onEnd: (reason: string) => void = () => undefined;
  readonly state: StateStore<ChatState>;
  /** What the page shares with programs that use the library. */
  readonly client: Client;
  readonly conversations: ConversationStore;
  readonly messages: PageMessages;
  readonly threads: Threads;
  readonly followedThreads: FollowedThreads;
  readonly dialogMessage: DialogMessage;
  readonly pins: Pins;
  readonly saved: Saved;
  readonly notices: Notices;
  readonly drafts: Drafts;
  readonly leftBehind: LeftBehindWriting;
  /** The message searches of the search panel and of the sidebar. */
  /** What the panel for searching searches, and what the list's field does. */
  readonly search: Search<Message>;
  readonly offerSearch: Search<Offer>;
  readonly finder: Search<Message>;
  readonly offerFinder: Search<Offer>;
  readonly typing: Typing;
  readonly working: StoreApi<WorkingAgents>;
  readonly uploads: Uploads;
  readonly files: Files;
  readonly emoji = new EmojiStore();
  readonly presence: PresenceStore;
  readonly idle: Idle;
  readonly people: People;
  readonly moderation: Moderation;
  readonly invitations: Invitations;
  readonly profile: PageProfile;
  readonly alerts: Alerts;
  readonly openReports: OpenReports;
  readonly push: Push;
  readonly offers: Offers;
  readonly calls: Calls;
  readonly #lastKnown: LastKnown;
  readonly #offlineState: OfflineState;
  readonly #core: PageCore;
  readonly #stores: ClientStores;
  /** A ban of the reader whose removal from the conversation is not known yet. */
  #ban: Restriction | null = null;
  readonly #knownGroups = new KnownGroups();
  #savedGroups: Promise<void> = Promise.resolve();
  #features: Promise<void> | null = null;
  #isOver = false;
  /** What was opened first, until something else is: null is the list. Undefined before that. */
  #firstOpened: string | null | undefined;

  constructor(api: Api, me: User) {
    const core = new PageCore(api, me, {
      opened: (recovered) => this.client.opened(recovered),
      unreachable: () => void this.#showOfflineState(),
      lost: () => this.client.lost(),
      ended: (reason) => this.endSession(reason),
    });
    this.#core = core;
    this.state = core.state;
    const messagesOf = (uploads: Uploads): PageMessages => new PageMessages(core, uploads, stores.outbox);
    const stores = indexedDbStores();
    this.#stores = stores;
    this.client = new Client(core, stores, { messages: messagesOf, onLoaded: () => this.#loaded() });
    const { conversations, uploads, messages, typing, presence, people } = this.client;
    this.conversations = conversations;
    this.uploads = uploads;
    uploads.shrink = smallerPicture;
    uploads.load = repeatable(uploads.load);
    this.messages = messages as PageMessages;
    this.typing = typing;
    this.working = workingAgents(this.client);
    this.presence = presence;
    this.people = people;
    this.files = new Files(core);
    this.threads = new Threads(core);
    this.followedThreads = new FollowedThreads(core);
    this.dialogMessage = new DialogMessage(core);
    this.pins = new Pins(core);
    this.saved = this.messages.saved;
    this.drafts = this.messages.drafts;
    this.leftBehind = new LeftBehindWriting(core, this.messages, uploads);
    this.notices = new Notices(core);
    this.search = new Search(api, "search");
    this.offerSearch = new Search(api, "search/offers");
    this.finder = new Search(api, "search");
    this.offerFinder = new Search(api, "search/offers");
    this.alerts = new Alerts(core);
    this.openReports = new OpenReports(core);
    this.push = new Push(core);
    this.offers = new Offers(core);
    this.calls = new Calls(core);
    this.idle = new Idle(core, this.presence);
    this.moderation = new Moderation(core, conversations);
    this.invitations = new Invitations(core);
    this.profile = new PageProfile(core);
    this.#lastKnown = new LastKnown(core, this);
    this.#offlineState = new OfflineState(core, storageName("talkwire-state", document.baseURI), this.#lastKnown);
    this.#lastKnown.watch(() => this.#offlineState.changed());
    this.messages.onRefused = (id, refused) => this.moderation.refused(id, refused);
    this.messages.onAnswered = (id) => void this.#readByAnswering(id).catch(() => undefined);
    core.on("member:restricted", (restriction) => {
      const isMember = own(core.now.conversations, restriction.conversationId) !== undefined;
      // The end of the membership follows.
      if (restriction.kind === "ban" && isMember) this.#ban = restriction;
    });
    conversations.onRemoved = (id, why, conversation) => {
      this.#knownGroups.forget(id);
      this.#removed(id, why, conversation === undefined ? "" : shownName(conversation));
      this.leftBehind.show(id, conversation?.name);
    };
    core.state.subscribe(({ openId, conversations: now }, { conversations: before }) => {
      const isNew = openId !== null && now !== before && own(before, openId) === undefined;
      if (isNew && own(now, openId) !== undefined) this.#openAgain();
      const { endedId = "" } = this.state.getState().toast ?? {};
      if (endedId !== "" && own(now, endedId) !== undefined) this.state.setState({ toast: null });
    });
    conversations.onMarkedUnread = (id, readSeq) => {
      this.messages.markedUnread(id, readSeq);
    };
    core.on("team:updated", this.#loadTeams);
    this.client.add(
      {
        connected: () => {
          this.#loadFeatures();
          this.#openAgain();
          void whenIdle().then(this.#loadTeams);
          void conversations.loadAll(whenIdle).then(() => {
            if (!core.now.connected || core.now.nextConversations !== null) return;
            void this.leftBehind.find();
            void this.#showMissingGroups();
          });
        },
      },
      {
        lost: () => {
          this.#knownGroups.keep(core.now.conversations, core.cursor);
          void this.#showSavedMessages();
        },
      },
      this.#offlineState,
      this.idle,
      this.profile,
      this.threads,
      this.followedThreads,
      this.dialogMessage,
      this.pins,
      this.saved,
      this.messages.anchors,
      this.drafts,
      this.notices,
      this.alerts,
      this.openReports,
      this.push,
      this.offers,
      this.calls,
    );
  }

  start(): void {
    this.client.start();
    this.#savedGroups = this.#offlineState
      .readList()
      .then(({ conversations, more }) => this.#knownGroups.keep(conversations, keptCursor(more)));
    addEventListener("online", this.reconnectNow);
    const features = knownFeatures();
    if (features !== undefined) this.state.setState({ features });
    this.#loadFeatures();
    this.#core.connection.open();
  }

  stop(): void {
    removeEventListener("online", this.reconnectNow);
    this.client.stop();
  }

  /** Returns how much the user has written in this browser and not sent, in all tabs. */
  async unsent(): Promise<Unsent> {
    const { id } = this.#core.now.me;
    const [entries, files] = await Promise.all([
      this.#stores.outbox.read(id).catch(() => []),
      this.#stores.uploads.read(id).catch(() => []),
    ]);
    const messages = new Set([...entries, ...this.messages.outbox.getState()].map((each) => each.clientMessageId));
    const drafts = this.drafts.places();
    for (const { entryId, place } of [...files, ...this.uploads.state.getState()])
      if (entryId === null) drafts.add(place);
    return { messages: messages.size, drafts: drafts.size };
  }

  /** Ends the chat and removes everything that this browser has saved of the user, who signs out. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.stop();
    await this.#removeUnsent();
    // With the session of an account, the server ends the subscription too.
    const hasAccount = this.#core.api.session?.refreshToken !== undefined;
    if (!hasAccount) await this.push.unsubscribe();
    await this.forget();
  }

  /** Ends the chat because the server has ended the session; `reason` is a code. */
  endSession(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.stop();
    if (reason === "erased") void this.#removeUnsent();
    void this.forget();
    this.onEnd(reason);
  }

  /**
   * Removes what this browser has saved of the user's conversations, since the session has ended. What the user has
   * written and not sent stays: they did not sign out here, and may come back. Other users neither see nor send it.
   */
  async forget(): Promise<void> {
    this.messages.anchors.forget();
    this.leftBehind.forgetNames(false);
    await Promise.all([this.#offlineState.forget(), this.push.forget()]);
  }

  /** Removes drafts, and messages and files that are not sent yet. */
  async #removeUnsent(): Promise<void> {
    const { id } = this.#core.now.me;
    const { outbox, uploads } = this.#stores;
    this.drafts.remove();
    this.leftBehind.forgetNames(true);
    const removed = [
      outbox.read(id).then((all) => Promise.all(all.map((each) => outbox.delete(each.clientMessageId)))),
      uploads.read(id).then((all) => Promise.all(all.map((each) => uploads.delete(each.id)))),
    ];
    // Without storage there is nothing to remove.
    await Promise.allSettled(removed);
  }

  /**
   * Opens a conversation, at a message, where its unread messages start or where the reader left it; null closes it. The
   * first one after a reload stays where it was.
   */
  async open(id: string | null, messageId?: string): Promise<void> {
    const { openId, conversations, panel } = this.#core.now;
    // The address and the list may both open it.
    if (this.#firstOpened === undefined) this.#firstOpened = id;
    else if (this.#firstOpened !== id) this.#firstOpened = null;
    const isReload = this.#firstOpened === id;
    const isKnown = id !== null && own(conversations, id) !== undefined;
    // Properties of every object, such as `constructor`, would be found in each part's state.
    if (id !== null && !isKnown && id in Object.prototype) return this.open(null);
    let opening: Promise<void> | undefined;
    if (id !== openId) {
      this.files.close();
      const unread = this.#unreadOf(id);
      if (isKnown && !isReload) this.#goToUnread(id);
      // The request for messages goes before those of all others that the change of the state causes.
      if (isKnown && messageId === undefined) opening = this.messages.open(id, messageId, unread?.after ?? null);
      this.state.setState({
        openId: id,
        composing: id === null ? null : this.drafts.openComposing(id),
        panel: panel?.kind === "search" ? panel : null,
        messageDialog: null,
        offerForm: null,
        target: null,
        keptUnread: null,
        notice: "",
        unread,
      });
    }
    if (id === null) return;
    void this.#showSavedMessages();
    if (!isKnown) {
      // Where the unread messages start is known then.
      await this.conversations.load(id);
      if (this.#core.now.openId !== id) return;
      this.state.setState(({ unread }) => ({ unread: this.#unreadOf(id) ?? unread }));
      if (!isReload) this.#goToUnread(id);
    }
    await (opening ?? this.messages.open(id, messageId));
    if (this.#core.now.openId === id) this.#loadDetails(id);
  }

  /** Lets a conversation in which something is unread open there, and not where the reader left it. */
  #goToUnread(id: string): void {
    const { conversations, features } = this.#core.now;
    const conversation = own(conversations, id);
    if (conversation === undefined || unreadOf(conversation, features) === 0) return;
    this.messages.forgetPlace(id, this.#unreadOf(id)?.after ?? null);
  }

  #unreadOf(id: string | null): UnreadMessages | null {
    const { unreadCount = 0, readSeq = 0 } = (id === null ? undefined : own(this.#core.now.conversations, id)) ?? {};
    return unreadCount > 0 ? { after: readSeq, count: unreadCount } : null;
  }

  /** Loads the messages of the open conversation if they could not be loaded when it was opened. */
  #openAgain(): void {
    const { openId: id, timelines, unread } = this.#core.now;
    if (id === null || own(timelines, id) !== undefined || this.messages.isLoading(id)) return;
    void this.messages.open(id, undefined, unread?.after ?? null).then(() => this.#loadDetails(id));
  }

  /** Loads what an open conversation shows beside its messages, and marks the rest of it as seen. */
  #loadDetails(id: string): void {
    // Conversations in lists have no members, and so no read positions of members.
    if (own(this.#core.now.conversations, id)?.members === undefined) void this.conversations.load(id);
    void this.pins.load(id);
    void this.saved.load(id);
    void this.alerts.markSeen(id);
  }

  /** Opens a thread of the list of threads beside its conversation, which shows the root if there is room for it. */
  openListedThread(conversationId: string, rootId: string, showsRoot: boolean): void {
    void this.open(conversationId, showsRoot ? rootId : undefined);
    this.openPanel({ kind: "thread", rootId, isFromList: true });
  }

  /** Marks all conversations as read, and offers to take that back. */
  async markAllRead(): Promise<void> {
    await this.conversations.loadAll(async () => undefined);
    const reading = new ReadAll(this.#core, this);
    const undo = { label: texts.undo, run: () => void reading.undo() };
    // Missed calls have no number.
    if (reading.count > 0) this.showToast(texts.markedRead(reading.count), reading.canUndo ? undo : undefined);
  }

  /** Marks all of a conversation as read, with its offers; the messages can be made unread again. Shows an error. */
  async markRead(id: string): Promise<void> {
    const { conversations, openId, keptUnread, features } = this.#core.now;
    const conversation = own(conversations, id);
    const { readSeq = 0, unreadCount = 0 } = conversation ?? {};
    const count = conversation === undefined ? 0 : unreadOf(conversation, features);
    void this.alerts.markCallsRead(id);
    if (count === 0 && keptUnread !== id) return;
    if ((await this.#core.attempt(async () => this.conversations.markRead(id).then(() => true))) !== true) return;
    if (openId === id) this.state.setState({ unread: null, keptUnread: null });
    if (conversation === undefined) return;
    void readOffers(this.#core, this, [conversation]);
    if (unreadCount > 0) this.offerUnread(id, readSeq, count);
    else if (count > 0) this.showToast(texts.markedRead(count));
  }

  /** Marks a conversation as read in which the reader writes without having seen all, and offers to take that back. */
  async #readByAnswering(id: string): Promise<void> {
    const { conversations, caughtUp, keptUnread, unread } = this.#core.now;
    const { readSeq = 0, unreadCount = 0 } = own(conversations, id) ?? {};
    // What was missed and has not come is not answered.
    if (!caughtUp || unreadCount === 0 || keptUnread === id || this.#core.isWatched(id)) return;
    this.state.setState({ unread: unread && { ...unread, isAnswered: true } });
    await this.conversations.markRead(id);
    this.offerUnread(id, readSeq, unreadCount);
  }

  /** Says that so many messages were marked as read, and offers to make what comes after a `seq` unread again. */
  offerUnread(id: string, readSeq: number, count: number): void {
    const undo = () => void this.messages.markUnreadAfter(id, readSeq);
    this.showToast(texts.markedRead(count), { label: texts.undo, run: undo });
  }

  /** Reconnects to the server at once. */
  readonly reconnectNow = (): void => this.#core.connection.reconnectNow();

  /** Opens a panel beside the conversation; null closes it. */
  openPanel(panel: Panel | null): void {
    this.state.setState({ panel });
  }

  /** Searches in the list of conversations; an empty text ends the search. */
  searchList(listQuery: string): void {
    this.state.setState({ listQuery });
  }

  /** Opens an overlay; null closes it. */
  openOverlay(overlay: Overlay | null): void {
    this.state.setState({ overlay });
  }

  /** Opens a dialog about a message; null closes it. */
  openMessageDialog(messageDialog: MessageDialog | null): void {
    this.state.setState({ messageDialog });
  }

  /** Opens the form for an offer; null closes it. */
  openOfferForm(offerForm: OfferForm | null): void {
    this.state.setState({ offerForm });
  }

  /** Says what the reader's action did, if nothing else shows it. */
  showToast(text: string, action?: ToastAction): void {
    this.state.setState({ toast: action === undefined ? { text } : { text, action }, announcement: text });
  }

  /** Says what others did, for long enough to notice and read it; `endedId`: to which conversation. */
  #showNews(text: string, endedId = ""): void {
    this.state.setState({ toast: { text, isNews: true, endedId }, announcement: text });
  }

  /** Shows the reader why an action failed. */
  showNotice(notice: string): void {
    this.state.setState({ notice });
  }

  /** Shows the reader why a conversation is not shown any more. */
  #removed(id: string, why: RemovalReason, name: string): void {
    const ban = this.#ban?.conversationId === id ? this.#ban : null;
    this.#ban = null;
    // Anyone who is added again starts where others do.
    this.messages.anchors.set(id, null);
    const { openId, messageDialog } = this.#core.now;
    if (openId === id) {
      // Forms stay, so that what was written in them can be copied.
      const isForm = messageDialog !== null && FORMS.has(messageDialog.kind);
      this.state.setState({ openId: null, panel: null, messageDialog: isForm ? messageDialog : null, notice: "" });
    }
    const { wasDeleted, youLeft, youWereRemoved } = texts.places;
    if (ban !== null) this.showNotice(bannedText(name, ban));
    else if (why === "left") this.showToast(youLeft(name));
    else this.#showNews(why === "deleted" ? wasDeleted(name) : youWereRemoved(name), id);
  }

  /** Shows which groups and channels the reader is not in any more since this browser had a connection. */
  async #showMissingGroups(): Promise<void> {
    await this.#savedGroups;
    const { since } = this.#knownGroups;
    const missing = this.#knownGroups.missingIn(this.#core.now.conversations);
    if (missing.length === 0) return;
    const bans = await missedBans(this.#core, since);
    const removed = missing.filter(({ id }) => !bans.has(id));
    const banned = missing.flatMap((each) => {
      const ban = bans.get(each.id);
      return ban === undefined ? [] : [bannedText(shownName(each), ban)];
    });
    if (removed.length > 0) this.#showNews(texts.places.youWereRemoved(texts.listed(removed.map(shownName))));
    if (banned.length > 0) this.showNotice(banned.join(" · "));
  }

  /** Shows the saved conversations until the server is reachable. */
  async #showOfflineState(): Promise<void> {
    if (this.#core.now.loaded) return;
    const saved = await this.#offlineState.read();
    if (saved === undefined || this.#core.now.loaded) return;
    const { offers, pins, more, ...state } = saved;
    this.offers.showSaved(offers);
    this.pins.showSaved(pins);
    this.#lastKnown.showSaved(more);
    this.state.setState({ ...state, loaded: true });
  }

  /** Shows what is saved of the open conversation until the server is reachable, if nothing of it is loaded. */
  async #showSavedMessages(): Promise<void> {
    const { openId: id } = this.#core.now;
    if (id === null || !this.#lacksMessages(id)) return;
    const saved = await this.#offlineState.readOpened(id);
    if (saved === undefined || !this.#lacksMessages(id)) return;
    if (saved.offers !== undefined) this.offers.showSaved({ [id]: saved.offers });
    if (saved.pins !== undefined) this.pins.showSaved({ [id]: saved.pins });
    this.messages.showSaved(id, saved.timeline);
  }

  /** Whether the messages of a conversation are not here, and cannot be loaded. */
  #lacksMessages(id: string): boolean {
    const { connected, conversations, timelines } = this.#core.now;
    return !connected && own(conversations, id) !== undefined && own(timelines, id) === undefined;
  }

  /** Loads which teams the reader is in. */
  readonly #loadTeams = (): void =>
    void teamsOf(this.#core).then(
      (teams) => this.state.setState({ teams }),
      () => undefined,
    );

  /** Loads what the operator has switched on, once. Without an answer, the next connection asks again. */
  #loadFeatures(): void {
    this.#features ??= this.#core.api.describeServer().then(
      ({ offers, offerCurrency }) => {
        const features = { offers, offerCurrency };
        this.state.setState({ features });
        rememberFeatures(features);
      },
      () => {
        this.#features = null;
      },
    );
  }

  /** Loads what the list of conversations leaves out. */
  #loaded(): void {
    const { openId } = this.#core.now;
    if (openId === null) return;
    void this.conversations.load(openId);
    void this.pins.load(openId);
    void this.saved.load(openId);
  }
}

/** Returns from what the reader was banned, until when and why. */
function bannedText(name: string, { until, reason }: Restriction): string {
  return texts.places.youWereBanned(name, until ? endTime(until) : null, reason ?? null);
}

/** The name of a group or a channel in a sentence. */
function shownName({ name, kind }: Conversation): string {
  return name ?? texts.kinds[kind];
}
