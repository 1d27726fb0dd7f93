/** Messages: the timelines, the outbox, and everything that the reader does with a message. */

import { createStore, type StoreApi } from "zustand/vanilla";
import { randomId } from "../../secure_context_fallbacks";
import type { Commands, Message, Receipt, ReceiptPage, Version, VersionPage } from "../../server/payloads";
import { RequestError } from "../../server/request_error";
import { texts } from "../../texts";
import { withMessage } from "../conversations/conversations_by_id";
import type { ChatPart, Composing, Core, Target } from "../core";
import type { Uploads } from "../files/uploads";
import { type NewMessage, Outbox, type OutboxEntry } from "../outbox/outbox";
import { IndexedDbOutboxStore } from "../outbox/outbox_store";
import { own } from "../own";
import { saveComposing } from "../writing/drafts";
import { MessagePages } from "./message_pages";
import { messageSummary, plainText } from "./message_summary";
import { ReadReporter } from "./read_reporter";
import { type Timeline, tombstone, withChanged, withNew, withReplyCount } from "./timeline";

/** Where the reader left a conversation: the topmost message, and how many pixels of it were out of sight. */
export interface ScrollAnchor {
  readonly messageId: string;
  readonly offset: number;
}

export class Messages implements ChatPart {
  /** The messages that are not sent yet. */
  readonly outbox: StoreApi<readonly OutboxEntry[]> = createStore<readonly OutboxEntry[]>(() => []);
  readonly #core: Core;
  readonly #outbox: Outbox;
  readonly #uploads: Uploads;
  readonly #pages: MessagePages;
  readonly #reading: ReadReporter;
  readonly #scrollAnchors = new Map<string, ScrollAnchor>();

  /** Called when the server has refused a message of the reader. */
  onRefused: (conversationId: string, refused: RequestError) => void = () => undefined;

  constructor(core: Core, uploads: Uploads) {
    this.#core = core;
    this.#uploads = uploads;
    uploads.onProgress = () => this.#outbox.sendReady();
    this.#pages = new MessagePages(core);
    this.#reading = new ReadReporter(core);
    this.#outbox = new Outbox({
      userId: core.now.me.id,
      store: new IndexedDbOutboxStore(),
      send: (entry) => this.#send(entry),
      onChange: (outbox) => this.outbox.setState(outbox, true),
      isReady: ({ attachments = [] }) => uploads.isSettled(attachments),
      onRemoved: ({ clientMessageId }, isSent) => uploads.release(clientMessageId, isSent),
    });
    core.on("message:new", (message) => this.#arrived(message));
    core.on("message:updated", (message) => this.#change(message.conversationId, message.id, () => message));
    core.on("message:deleted", ({ conversationId, messageId, deletedAt, threadId }) => {
      this.#change(conversationId, messageId, (message) => tombstone(message, deletedAt));
      if (threadId !== undefined) this.#change(conversationId, threadId, (root) => withReplyCount(root, -1));
    });
    core.on("message:pinned", ({ conversationId, messageId }) =>
      this.#change(conversationId, messageId, (message) => ({ ...message, pinned: true })),
    );
    core.on("message:unpinned", ({ conversationId, messageId }) =>
      this.#change(conversationId, messageId, (message) => ({ ...message, pinned: false })),
    );
    core.on("message:reaction", ({ conversationId, messageId, reactions }) =>
      this.#change(conversationId, messageId, (message) => ({ ...message, reactions })),
    );
  }

  started(): void {
    void this.#restoreOutbox();
  }

  connected(): void {
    this.#outbox.setOpen(true);
    this.#reading.connected();
  }

  lost(): void {
    this.#outbox.setOpen(false);
  }

  stopped(): void {
    this.#outbox.setOpen(false);
  }

  loaded(): void {
    const { openId, conversations } = this.#core.now;
    const { unreadCount = 0, readSeq = 0 } = conversations[openId ?? ""] ?? {};
    this.#core.state.setState({ timelines: {}, unreadAfter: unreadCount > 0 ? readSeq : null });
    if (openId !== null) void this.#ignoreFailure(this.#reopen(openId));
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  /** Loads a conversation's messages: around a message, or where the reader left off. */
  async open(id: string, messageId?: string): Promise<void> {
    if (messageId !== undefined && (await this.#goTo(id, messageId))) return;
    await this.#ignoreFailure(this.#reopen(id));
  }

  /** Saves the scroll position of a conversation; null: at its end, so that it follows new messages. */
  saveScrollAnchor(id: string, place: ScrollAnchor | null): void {
    if (place === null) this.#scrollAnchors.delete(id);
    else this.#scrollAnchors.set(id, place);
  }

  /** Returns the saved scroll position of a conversation. */
  scrollAnchor(id: string): ScrollAnchor | null {
    return this.#scrollAnchors.get(id) ?? null;
  }

  loadOlder(id: string): Promise<void> {
    return this.#ignoreFailure(this.#pages.older(id));
  }

  loadNewer(id: string): Promise<void> {
    return this.#ignoreFailure(this.#pages.newer(id));
  }

  /** Drops the messages at the end that is far from the reader, when many are loaded. */
  dropEnd(id: string, end: "oldest" | "newest"): void {
    this.#pages.dropEnd(id, end);
  }

  /** Shows the newest messages. */
  async toNewest(id: string): Promise<void> {
    if (own(this.#core.now.timelines, id)?.atEnd !== true) await this.#ignoreFailure(this.#pages.newest(id));
    if (this.#core.now.openId === id) this.#core.state.setState({ target: { messageId: null } });
  }

  /** The list has scrolled to the target. */
  targetReached(target: Target): void {
    if (this.#core.now.target === target) this.#core.state.setState({ target: null });
  }

  /** Returns the versions of a message, the newest last. Rejects with `RequestError`. */
  async versions(messageId: string): Promise<Version[]> {
    return (await this.#core.api.get<VersionPage>(`messages/${messageId}/history?limit=100`)).items;
  }

  /** Returns who has received and read a message. Rejects with `RequestError`. */
  async receipts(messageId: string): Promise<Receipt[]> {
    return (await this.#core.api.get<ReceiptPage>(`messages/${messageId}/receipts`)).items;
  }

  /** Finds a message in any conversation. Shows an error when it fails. */
  async find(messageId: string): Promise<Message | undefined> {
    const path = `messages/${encodeURIComponent(messageId)}`;
    return this.#core.attempt(() => this.#core.api.get<Message>(path));
  }

  /** Marks everything up to the newest loaded message as read. */
  async markRead(id: string): Promise<void> {
    await this.#reading.markRead(id);
  }

  /** Marks everything from a message on as unread, by default from another user's newest message. Shows an error. */
  async markUnread(id: string, messageId?: string): Promise<void> {
    await this.#core.attempt(() => this.#reading.markUnread(id, messageId));
  }

  /** Stops keeping the open conversation unread. */
  clearKeptUnread(): void {
    this.#reading.clearKeptUnread();
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /** Sends a message through the outbox. */
  async send(message: NewMessage): Promise<void> {
    const clientMessageId = randomId();
    const isStored = this.#outbox.add({ ...message, clientMessageId });
    this.#uploads.assign(message.attachments ?? [], clientMessageId);
    await isStored;
  }

  /** Edits a message. Returns whether the server accepted it. */
  async edit(messageId: string, content: string): Promise<boolean> {
    return this.#attempt("message:edit", { messageId, content });
  }

  /** Starts to reply to a message or to edit it; the choice outlives a reload. Null cancels it. */
  compose(composing: Composing | null): void {
    const { me, openId } = this.#core.now;
    const id = composing?.message.conversationId ?? openId;
    if (id !== null) saveComposing(me.id, id, composing);
    this.#core.state.setState({ composing });
  }

  /** Forwards a message to other conversations. Rejects with `RequestError`. */
  async forward(messageId: string, conversationIds: readonly string[]): Promise<void> {
    await this.#core.call("message:forward", { messageId, conversationIds });
  }

  async pin({ id, pinned }: Message): Promise<void> {
    await this.#attempt(pinned ? "message:unpin" : "message:pin", { messageId: id });
  }

  async delete(messageId: string): Promise<void> {
    await this.#attempt("message:delete", { messageId });
  }

  /** Adds a reaction, or removes the reader's own. */
  async react({ id, reactions = [] }: Message, emoji: string): Promise<void> {
    const given = reactions.some((each) => each.emoji === emoji && each.userIds.includes(this.#core.now.me.id));
    await this.#attempt(given ? "message:unreact" : "message:react", { messageId: id, emoji });
  }

  retry(clientMessageId: string): void {
    void this.#outbox.retry(clientMessageId);
  }

  discard(clientMessageId: string): void {
    void this.#outbox.discard(clientMessageId);
  }

  /** Removes a file from an outbox entry. */
  detach(clientMessageId: string, attachment: string): void {
    this.#uploads.remove(attachment);
    void this.#outbox.detach(clientMessageId, attachment);
  }

  /** Restores the files first, because the outbox looks for them. */
  async #restoreOutbox(): Promise<void> {
    await this.#uploads.start();
    await this.#outbox.start().catch(() => undefined);
    this.#uploads.reconcile(this.#outbox.entries);
  }

  /** Sends a command whose result arrives as an event. Shows an error; returns whether there was none. */
  async #attempt<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): Promise<boolean> {
    return (await this.#core.attempt(() => this.#core.call(name, payload))) !== undefined;
  }

  async #send(entry: OutboxEntry): Promise<void> {
    const { conversationId, content, clientMessageId, replyToId, threadId = null, attachments = [] } = entry;
    const fileIds = this.#uploads.fileIds(attachments);
    if (fileIds === null) throw new RequestError({ code: "invalid_request", message: texts.filesLost });
    const reply = replyToId === null ? {} : { replyToId };
    const thread = threadId === null ? {} : { threadId };
    const files = fileIds.length === 0 ? {} : { attachments: fileIds.map((id) => ({ id })) };
    const payload = { conversationId, content, clientMessageId, ...reply, ...thread, ...files };
    try {
      const { message } = await this.#core.call("message:send", payload);
      this.#arrived(message);
    } catch (error) {
      if (error instanceof RequestError) this.onRefused(conversationId, error);
      throw error;
    }
  }

  /** Loads the messages where the reader was, otherwise where the unread messages start. */
  async #reopen(id: string): Promise<void> {
    const timeline = own(this.#core.now.timelines, id);
    const onRemoved = this.#scrollAnchors.get(id);
    if (onRemoved === undefined) return timeline?.atEnd === true ? undefined : this.#pages.open(id);
    if (timeline?.messages.some((message) => message.id === onRemoved.messageId)) return;
    try {
      await this.#pages.around(id, onRemoved.messageId);
    } catch (error) {
      if (error instanceof RequestError && error.isTransient) throw error;
      // It was deleted, or the reader may not see it any more.
      this.#scrollAnchors.delete(id);
      await this.#pages.open(id);
    }
  }

  /** Scrolls to a message. Returns whether it exists, and shows a notice when it does not. */
  async #goTo(id: string, messageId: string): Promise<boolean> {
    const isHere = own(this.#core.now.timelines, id)?.messages.some((message) => message.id === messageId) === true;
    const target = { messageId };
    if (this.#core.now.openId === id) this.#core.state.setState({ target });
    try {
      if (!isHere) await this.#pages.around(id, messageId);
    } catch (error) {
      const isGone = error instanceof RequestError && !error.isTransient;
      this.targetReached(target);
      this.#core.state.setState({ notice: isGone ? texts.messageNotFound : (error as Error).message });
      return false;
    }
    this.#showTarget(id, messageId);
    return true;
  }

  /** Opens a reply in its thread, and says when the message was deleted. */
  #showTarget(id: string, messageId: string): void {
    const { timelines, openId } = this.#core.now;
    const found = own(timelines, id)?.messages.find((message) => message.id === messageId);
    this.#core.state.setState({ notice: found?.deletedAt === undefined ? "" : texts.deleted });
    const rootId = found?.threadId;
    if (rootId !== undefined && openId === id)
      this.#core.state.setState({ panel: { kind: "thread", rootId, messageId } });
  }

  /** The list loads a failed page again when it comes into sight, or when the connection is back. */
  async #ignoreFailure(loading: Promise<void>): Promise<void> {
    await loading.catch(() => undefined);
  }

  // --- events -------------------------------------------------------------------------------------------------------

  #arrived(message: Message): void {
    const { conversations, me, openId, blocked } = this.#core.now;
    const isSeen = this.#core.isWatched(message.conversationId);
    this.#core.state.setState({ conversations: withMessage(conversations, message, me.id, blocked, isSeen) });
    this.#changeTimeline(message.conversationId, (timeline) => withNew(timeline, message));
    // The message was not counted as unread, so it has to be marked as read in any case.
    if (isSeen) void this.markRead(message.conversationId).catch(() => undefined);
    const isNew = message.seq > (own(conversations, message.conversationId)?.lastSeq ?? 0);
    if (isNew && message.threadId !== undefined)
      this.#change(message.conversationId, message.threadId, (root) => withReplyCount(root, 1));
    if (message.senderId !== me.id) {
      if (message.conversationId !== openId || blocked.has(message.senderId)) return;
      this.#core.state.setState({ announcement: `${message.sender.name}: ${plainText(messageSummary(message))}` });
    } else if (message.clientMessageId !== undefined) {
      this.#outbox.arrived(message.clientMessageId);
    }
  }

  #change(conversationId: string, messageId: string, change: (message: Message) => Message): void {
    this.#changeTimeline(conversationId, (timeline) => withChanged(timeline, messageId, change));
    this.#core.changeConversation(conversationId, (before) =>
      before.lastMessage?.id === messageId ? { ...before, lastMessage: change(before.lastMessage) } : before,
    );
  }

  #changeTimeline(id: string, change: (before: Timeline) => Timeline): void {
    const before = own(this.#core.now.timelines, id);
    if (before === undefined) return;
    const after = change(before);
    if (after !== before) this.#setTimeline(id, after);
  }

  #setTimeline(id: string, timeline: Timeline): void {
    this.#core.state.setState(({ timelines }) => ({ timelines: { ...timelines, [id]: timeline } }));
  }
}
