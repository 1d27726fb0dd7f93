/** The reader's notifications: those that the server stores, those that arrive, and which tab announces them. */

import type {
  ChatNotification,
  Conversation,
  MemberPreferences,
  NotificationsAnswer,
  Preferences,
} from "@talkwire/client";
import { type ChatPart, own } from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { PageCore } from "../page_core";
import {
  isListed,
  isReadBySight,
  isReadWithThread,
  isStored,
  merged,
  type Notifications,
  unreadOf,
  withRead,
} from "./notifications";
import { Tabs } from "./tabs";

export interface AlertState {
  /** The stored notifications that are loaded. */
  readonly items: Notifications;
  /** How many of all stored notifications are unread, as the server counts them. */
  readonly unread: number;
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null;
  /** Whether a message was sent or received since the page was loaded. */
  readonly hasMessages: boolean;
}

/** A notification that this tab announces, and no other tab. */
export interface Alert {
  readonly notification: ChatNotification;
  /** Whether the browser shows it, because the reader looks elsewhere. */
  readonly showsNotification: boolean;
}

export class Alerts implements ChatPart {
  readonly state: StoreApi<AlertState> = createStore<AlertState>(() => ({
    items: [],
    unread: 0,
    next: null,
    hasMessages: false,
  }));
  readonly tabs: Tabs;
  /** Called to play and show an alert. */
  onAlert: (alert: Alert) => void = () => undefined;
  /** Called to close the shown notifications with these ids. */
  onRead: (ids: readonly string[]) => void = () => undefined;
  readonly #core: PageCore;
  /** Notifications that the server does not store, since unread counts say the same. */
  #unstored: Notifications = [];
  /** How many events have changed the count. */
  #changes = 0;

  constructor(core: PageCore) {
    this.#core = core;
    this.tabs = new Tabs(core.now.me.id);
    core.on("notification", (notification) => void this.#received(notification));
    core.on("notification:read", ({ ids, unread }) => {
      this.#changes += 1;
      this.#read((each) => ids === undefined || ids.includes(each.id));
      this.state.setState({ unread });
    });
    core.on("message:new", () => {
      if (!this.state.getState().hasMessages) this.state.setState({ hasMessages: true });
    });
    core.on("message:read:receipt", ({ conversationId, userId, messageId }) => {
      if (userId !== core.now.me.id) return;
      this.#readMessages(
        (each) => each.conversationId === conversationId && Number(each.messageId) <= Number(messageId),
      );
    });
    core.on("conversation:unread", ({ conversationId, unreadCount }) => {
      if (unreadCount === 0) this.#readMessages((each) => each.conversationId === conversationId);
    });
    core.on("member:removed", ({ conversationId, userId }) => {
      if (userId === core.now.me.id) void this.#removed(conversationId);
    });
    core.on("conversation:deleted", ({ conversationId }) => void this.#forget(conversationId));
  }

  started(): void {
    this.tabs.start();
    addEventListener("focus", this.#focused);
  }

  stopped(): void {
    this.tabs.stop();
    removeEventListener("focus", this.#focused);
  }

  /** The server does not repeat notifications that it sent while the client was offline. */
  connected(): void {
    void this.load().then(() => {
      const { unread, items } = this.state.getState();
      if (unread > unreadOf(items)) void this.#loadUnread();
    });
  }

  /** Loads the newest page, or the page at `cursor`. Loads it again when an event has made the answer outdated. */
  async load(cursor?: string): Promise<void> {
    const from = cursor === undefined ? "" : `?cursor=${cursor}`;
    try {
      for (let attempt = 1; ; attempt++) {
        const changes = this.#changes;
        const { items, next, unread } = await this.#core.api.get<NotificationsAnswer>(`notifications${from}`);
        if (changes !== this.#changes && attempt < LOAD_ATTEMPTS) continue;
        this.state.setState((before) => ({ items: merged(before.items, items), next, unread }));
        // Notifications that were read elsewhere may be shown here: a push that dismisses them can get lost.
        this.onRead(items.filter(({ readAt }) => readAt !== undefined).map(({ id }) => id));
        return;
      }
    } catch {
      // The next connection loads them, or the next time that the reader opens the list.
    }
  }

  async markRead(ids: readonly string[]): Promise<void> {
    this.#read((each) => ids.includes(each.id));
    if (ids.length > 0) await this.#post({ ids });
  }

  async markAllRead(): Promise<void> {
    this.#read(() => true);
    this.state.setState({ unread: 0 });
    await this.#post({ all: true });
  }

  // --- preferences --------------------------------------------------------------------------------------------------

  preferences(): Promise<Preferences> {
    return this.#core.api.get("users/me/preferences");
  }

  /** Replaces all preferences: the server resets what is left out to its default. */
  setPreferences(preferences: Preferences): Promise<Preferences> {
    return this.#core.api.put("users/me/preferences", preferences);
  }

  /** Chooses whether others see what the reader has read, and the reader sees what they have read. */
  async setReadReceipts(readReceipts: boolean): Promise<void> {
    await this.setPreferences({ ...(await this.preferences()), readReceipts });
  }

  preferencesOf(conversationId: string): Promise<MemberPreferences> {
    return this.#core.api.get(pathOf(conversationId));
  }

  // --- events -------------------------------------------------------------------------------------------------------

  async #received(notification: ChatNotification): Promise<void> {
    const { id, conversationId, threadId } = notification;
    const { items, unread } = this.state.getState();
    if ([...items, ...this.#unstored].some((each) => each.id === id)) return;
    const { isFocused } = this.tabs;
    const { caughtUp, openId, watched, keptUnread, panel } = this.#core.now;
    // Messages and offers are read once they are in sight, moderators' decisions in the bell, and decisions that wait for
    // the reader once they are made; others in the open conversation.
    const isRead = isOfMessage(notification)
      ? isReadBySight(notification) && this.#core.isWatched(conversationId)
      : isFocused &&
        (isRemoval(notification) ||
          (isReadByOpening(notification) && caughtUp && openId === conversationId && keptUnread !== conversationId));
    const item = isRead ? { ...notification, readAt: notification.createdAt } : notification;
    if (isStored(notification)) {
      this.#changes += 1;
      this.state.setState({ items: merged(items, [item]), unread: unread + (isRead ? 0 : 1) });
    } else this.#unstored = [item, ...this.#unstored].slice(0, UNSTORED_MAX);
    // A notification without a message is read by being seen; the server knows which messages are read.
    if (isRead && isStored(notification) && !isOfMessage(notification)) void this.#post({ ids: [id] });
    if (notification.quiet) return;
    // The open conversation or thread shows what is new there, but no decision. The claim also keeps other tabs quiet.
    const isShown = isReadWithThread(notification)
      ? isFocused && panel?.kind === "thread" && panel.rootId === threadId
      : watched && openId === conversationId && !isDecision(notification);
    if (!(await this.tabs.claim(id)) || isRead || isShown) return;
    this.onAlert({ notification, showsNotification: !isFocused });
  }

  readonly #focused = (): void => {
    const { openId } = this.#core.now;
    if (openId !== null) void this.markSeen(openId);
  };

  /**
   * Marks what opening a conversation shows as read, such as a missed call. The server knows which messages are read, an
   * offer is read once it is in sight, and a decision on a report is read in the bell.
   */
  async markSeen(conversationId: string): Promise<void> {
    const unread = this.state
      .getState()
      .items.filter((each) => each.readAt === undefined && each.conversationId === conversationId);
    const ids = unread.filter(isReadByOpening).map(({ id }) => id);
    void this.markRead(ids);
    const hasOffers = own(this.#core.now.conversations, conversationId)?.unreadOfferCount;
    if (!hasOffers || unread.some(({ offerId }) => offerId !== undefined)) return;
    await this.#loadUnread();
  }

  /** Marks missed calls as read, of one conversation or of all. */
  async markCallsRead(conversationId?: string): Promise<void> {
    const { items } = this.state.getState();
    const isMeant = (each: ChatNotification): boolean => [undefined, each.conversationId].includes(conversationId);
    await this.markRead(items.filter((each) => isUnreadCall(each) && isMeant(each)).map(({ id }) => id));
  }

  /** Marks the notifications about an offer as read. */
  async markOfferSeen(offerId: string): Promise<void> {
    const unread = this.state.getState().items.filter((each) => isUnreadOffer(each, offerId));
    // The notification of a new offer has its id. Those in muted conversations are counted, and in no list.
    await this.markRead([...new Set([offerId, ...unread.map(({ id }) => id)])]);
  }

  /** Marks all notifications about the offers of conversations as read. Rejects with `RequestError`. */
  async markOffersRead(conversations: readonly Conversation[]): Promise<void> {
    const wanted = new Set(conversations.map(({ id }) => id));
    const isWanted = (each: ChatNotification): boolean => each.offerId !== undefined && wanted.has(each.conversationId);
    this.#read(isWanted);
    const unread = (await this.#allUnread()).filter(isWanted);
    const ids = unread.map(({ id }) => id);
    for (const { id, unreadOfferCount = 0 } of conversations) {
      const listed = unread.filter(({ conversationId }) => conversationId === id).length;
      if (listed < unreadOfferCount) ids.push(...(await this.#offersOf(id)));
    }
    for (let start = 0; start < ids.length; start += IDS_MAX)
      await this.#core.api.post("notifications/read", { ids: ids.slice(start, start + IDS_MAX) });
  }

  /** Loads unread notifications that are older than those that are loaded. */
  async #loadUnread(): Promise<void> {
    const older = await this.#core.api
      .get<NotificationsAnswer>("notifications?unread=true&limit=100")
      .catch(() => null);
    if (older !== null) this.state.setState(({ items }) => ({ items: merged(items, older.items) }));
  }

  /** Loads all unread notifications. */
  async #allUnread(): Promise<Notifications> {
    const all: ChatNotification[] = [];
    for (let from: string | null = ""; from !== null; ) {
      const page: NotificationsAnswer = await this.#core.api.get(`notifications?unread=true&limit=100${from}`);
      all.push(...page.items);
      from = page.next === null ? null : `&cursor=${page.next}`;
    }
    return all;
  }

  /** Loads the ids of the newest offers: those that came while the conversation was muted have no notification. */
  async #offersOf(conversationId: string): Promise<string[]> {
    const { offers } = await this.#core.call("offers:list", { conversationId, limit: 100 });
    return offers.map(({ id }) => id);
  }

  #read(matches: (each: ChatNotification) => boolean): void {
    const { items, unread } = this.state.getState();
    const after = withRead(items, matches, new Date().toISOString());
    if (after === items) return;
    const read = unreadOf(items) - unreadOf(after);
    this.state.setState({ items: after, unread: Math.max(0, unread - read) });
    this.onRead(after.filter((each, index) => each.readAt !== items[index]?.readAt).map(({ id }) => id));
  }

  /** Marks notifications as read whose messages were read. */
  #readMessages(matches: (each: ChatNotification) => boolean): void {
    this.#dropUnstored(matches);
    this.#read((each) => isOfMessage(each) && isReadBySight(each) && matches(each));
  }

  /** Removes the notifications of a conversation that the reader has left. */
  /** Reads that the reader was removed from a conversation, which the page says by itself to who looks at it. */
  async #removed(conversationId: string): Promise<void> {
    await this.#forget(conversationId);
    if (!this.tabs.isFocused) return;
    const { items } = this.state.getState();
    await this.markRead(
      items.filter((each) => isRemoval(each) && each.conversationId === conversationId).map(({ id }) => id),
    );
  }

  async #forget(conversationId: string): Promise<void> {
    this.#changes += 1;
    const isThere = (each: ChatNotification): boolean => each.conversationId === conversationId;
    this.#dropUnstored(isThere);
    this.#read(isThere);
    this.state.setState(({ items }) => ({ items: items.filter((each) => !isThere(each)) }));
    await this.load();
  }

  /** Removes notifications that are not stored, once they are read. */
  #dropUnstored(matches: (each: ChatNotification) => boolean): void {
    const read = this.#unstored.filter(matches);
    this.#unstored = this.#unstored.filter((each) => !matches(each));
    this.onRead(read.map(({ id }) => id));
  }

  async #post(body: object): Promise<void> {
    await this.#core.api.post("notifications/read", body).catch(() => undefined);
  }
}

/** Returns how many unread notifications the bell lists, as far as they are loaded. */
export const unreadIn = ({ unread, items }: AlertState): number =>
  Math.max(0, unread - unreadOf(items.filter((each) => !isListed(each))));

const LOAD_ATTEMPTS = 3;
/** How many notifications the server marks with one request. */
const IDS_MAX = 1_000;
/** How many notifications the browser may show at the same time. */
const UNSTORED_MAX = 100;

/** Whether a notification is about this offer, and not read. */
export const isUnreadOffer = ({ offerId, readAt }: ChatNotification, id: string): boolean =>
  offerId === id && readAt === undefined;

/** Returns the conversations with a missed call that is not read. */
export const withMissedCall = (items: Notifications): ReadonlySet<string> =>
  new Set(items.filter(isUnreadCall).map(({ conversationId }) => conversationId));

/** Whether a notification is about a missed call, and not read. */
const isUnreadCall = ({ type, readAt }: ChatNotification): boolean => type === "missed-call" && readAt === undefined;

/** Whether a notification is about a decision on a report, of which its conversation shows nothing. */
const isDecision = ({ type }: ChatNotification): boolean => type === "moderation";

/** Whether it says that the reader was removed from a conversation, as the page does by itself. */
const isRemoval = ({ outcome }: ChatNotification): boolean => outcome === "remove";

/** Whether opening its conversation reads a notification. */
const isReadByOpening = (each: ChatNotification): boolean =>
  !isOfMessage(each) && each.offerId === undefined && !isDecision(each);

const isOfMessage = ({ messageId }: ChatNotification): boolean => messageId !== undefined;
const pathOf = (conversationId: string): string => `conversations/${encodeURIComponent(conversationId)}/preferences`;
