/** What calls for the reader's attention: what is stored of it, what is told, and which tab says so. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { ConversationPreferences, Notified, Preferences } from "../../server/payloads";
import type { Core, Part } from "../core";
import { merged, type Notifications, unreadOf, withRead } from "./notifications";
import { Tabs } from "./tabs";

export interface AlertState {
  readonly items: Notifications;
  /** Where the server's list goes on; null: nowhere. */
  readonly next: string | null;
}

/** Something to say now, in this tab and no other. */
export interface Alert {
  readonly notification: Notified;
  /** Whether the browser should show it: the reader looks elsewhere. */
  readonly shows: boolean;
}

interface Page {
  items: Notified[];
  next: string | null;
}

export class Alerts implements Part {
  readonly state: StoreApi<AlertState> = createStore<AlertState>(() => ({ items: [], next: null }));
  readonly tabs: Tabs;
  /** Who plays and shows. */
  onAlert: (alert: Alert) => void = () => undefined;
  /** Who takes away what is shown: of these ids. */
  onRead: (ids: readonly string[]) => void = () => undefined;
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    this.tabs = new Tabs(core.now.me.id);
    core.on("notification", (notification) => void this.#told(notification));
    core.on("message:read:receipt", ({ conversationId, userId, messageId }) => {
      if (userId !== core.now.me.id) return;
      this.#read((each) => each.conversationId === conversationId && Number(each.messageId) <= Number(messageId));
    });
    core.on("conversation:unread", ({ conversationId, unreadCount }) => {
      if (unreadCount === 0) this.#read((each) => each.conversationId === conversationId && isOfMessage(each));
    });
    core.on("conversation:preferences", ({ conversationId, muted }) =>
      core.changeConversation(conversationId, (before) => ({ ...before, muted })),
    );
    core.state.subscribe(({ openId }, before) => {
      if (openId !== null && openId !== before.openId) void this.#seen(openId);
    });
  }

  started(): void {
    this.tabs.start();
    addEventListener("focus", this.#focused);
  }

  stopped(): void {
    this.tabs.stop();
    removeEventListener("focus", this.#focused);
  }

  loaded(): void {
    void this.load();
  }

  /** The newest ones, or what follows those that are here. */
  async load(cursor?: string): Promise<void> {
    try {
      const from = cursor === undefined ? "" : `?cursor=${cursor}`;
      const { items, next } = await this.#core.api.get<Page>(`notifications${from}`);
      this.state.setState((before) => ({ items: merged(before.items, items), next }));
    } catch {
      // They are asked for again when everything is loaded afresh, or when somebody looks at them.
    }
  }

  async markRead(ids: readonly string[]): Promise<void> {
    this.#read((each) => ids.includes(each.id));
    if (ids.length > 0) await this.#post({ ids });
  }

  async markAllRead(): Promise<void> {
    this.#read(() => true);
    await this.#post({ all: true });
  }

  // --- what the reader wants to hear ---------------------------------------------------------------------------------

  preferences(): Promise<Preferences> {
    return this.#core.api.get("users/me/preferences");
  }

  /** All of them: what is left out becomes what is usual. */
  setPreferences(preferences: Preferences): Promise<Preferences> {
    return this.#core.api.put("users/me/preferences", preferences);
  }

  preferencesOf(conversationId: string): Promise<ConversationPreferences> {
    return this.#core.api.get(pathOf(conversationId));
  }

  async setPreferencesOf(conversationId: string, wanted: ConversationPreferences): Promise<ConversationPreferences> {
    const preferences = await this.#core.api.put<ConversationPreferences>(pathOf(conversationId), wanted);
    this.#core.changeConversation(conversationId, (before) => ({ ...before, muted: preferences.muted }));
    return preferences;
  }

  // --- what the server tells -----------------------------------------------------------------------------------------

  async #told(notification: Notified): Promise<void> {
    if (this.state.getState().items.some(({ id }) => id === notification.id)) return;
    const { isSeen } = this.tabs;
    const isRead = isSeen && this.#core.now.openId === notification.conversationId;
    const item = isRead ? { ...notification, readAt: notification.createdAt } : notification;
    this.state.setState(({ items }) => ({ items: merged(items, [item]) }));
    // Whoever reads a conversation sees what is new there; the claim keeps other tabs quiet too.
    if (!(await this.tabs.claim(notification.id)) || isRead) return;
    this.onAlert({ notification, shows: !isSeen });
  }

  readonly #focused = (): void => {
    const { openId } = this.#core.now;
    if (openId !== null) void this.#seen(openId);
  };

  /** Whoever opens a conversation has seen its offers and missed calls; of messages the server knows when they are read. */
  async #seen(conversationId: string): Promise<void> {
    const unread = this.state.getState().items.filter((each) => each.readAt === undefined && !isOfMessage(each));
    await this.markRead(unread.filter((each) => each.conversationId === conversationId).map(({ id }) => id));
  }

  #read(matches: (each: Notified) => boolean): void {
    const { items } = this.state.getState();
    const after = withRead(items, matches, new Date().toISOString());
    if (after === items) return;
    this.state.setState({ items: after });
    this.onRead(after.filter((each, index) => each.readAt !== items[index]?.readAt).map(({ id }) => id));
  }

  async #post(body: object): Promise<void> {
    await this.#core.api.post("notifications/read", body).catch(() => undefined);
  }
}

export const unreadIn = ({ items }: AlertState): number => unreadOf(items);

const isOfMessage = ({ messageId }: Notified): boolean => messageId !== undefined;
const pathOf = (conversationId: string): string => `conversations/${encodeURIComponent(conversationId)}/preferences`;
