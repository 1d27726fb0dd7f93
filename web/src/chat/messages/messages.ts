/** What was said: the timelines, and the reader's own messages on their way. */

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
import { messageSummary } from "./message_summary";
import { plainText } from "./plain_text";
import { ReadReporter } from "./read_reporter";
import { type Timeline, tombstone, withChanged, withNew, withReplyCount } from "./timeline";

/** Where a reader left a conversation: the message at the top, and how many pixels of it were out of sight. */
export interface ScrollAnchor {
  readonly messageId: string;
  readonly offset: number;
}

export class Messages implements ChatPart {
  /** What is written and not sent yet. */
  readonly outbox: StoreApi<readonly OutboxEntry[]> = createStore<readonly OutboxEntry[]>(() => []);
  readonly #core: Core;
  readonly #outbox: Outbox;
  readonly #uploads: Uploads;
  readonly #pages: MessagePages;
  readonly #reading: ReadReporter;
  readonly #scrollAnchors = new Map<string, ScrollAnchor>();

  /** Told where the server has refused what the reader wrote. */
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
      changed: (outbox) => this.outbox.setState(outbox, true),
      isReady: ({ attachments = [] }) => uploads.isSettled(attachments),
      left: ({ clientMessageId }, isSent) => uploads.release(clientMessageId, isSent),
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

  // --- reading -------------------------------------------------------------------------------------------------------

  /** Has the conversation's messages here: around the one that is wanted, or where the reader left off. */
  async open(id: string, messageId?: string): Promise<void> {
    if (messageId !== undefined && (await this.#goTo(id, messageId))) return;
    await this.#ignoreFailure(this.#reopen(id));
  }

  /** Remembers where the reader is in a conversation; null: at its end, where whatever comes is wanted. */
  saveScrollAnchor(id: string, place: ScrollAnchor | null): void {
    if (place === null) this.#scrollAnchors.delete(id);
    else this.#scrollAnchors.set(id, place);
  }

  /** Where the reader was in the conversation when they left it. */
  scrollAnchor(id: string): ScrollAnchor | null {
    return this.#scrollAnchors.get(id) ?? null;
  }

  loadOlder(id: string): Promise<void> {
    return this.#ignoreFailure(this.#pages.older(id));
  }

  loadNewer(id: string): Promise<void> {
    return this.#ignoreFailure(this.#pages.newer(id));
  }

  /** Of a long stretch, the end from which the reader is far is not kept. */
  dropEnd(id: string, end: "oldest" | "newest"): void {
    this.#pages.dropEnd(id, end);
  }

  /** Leaves whatever old stretch is here for the newest messages. */
  async toNewest(id: string): Promise<void> {
    if (own(this.#core.now.timelines, id)?.atEnd !== true) await this.#ignoreFailure(this.#pages.newest(id));
    if (this.#core.now.openId === id) this.#core.state.setState({ target: { messageId: null } });
  }

  /** What the reader wanted to be shown is shown. */
  targetReached(target: Target): void {
    if (this.#core.now.target === target) this.#core.state.setState({ target: null });
  }

  /** What a message said before, the newest last. Rejects with `RequestError`. */
  async versions(messageId: string): Promise<Version[]> {
    return (await this.#core.api.get<VersionPage>(`messages/${messageId}/history?limit=100`)).items;
  }

  /** Who has a message, and who has read it. Rejects with `RequestError`. */
  async receipts(messageId: string): Promise<Receipt[]> {
    return (await this.#core.api.get<ReceiptPage>(`messages/${messageId}/receipts`)).items;
  }

  /** Where a message is, that may be in any conversation; a refusal is shown. */
  async find(messageId: string): Promise<Message | undefined> {
    const path = `messages/${encodeURIComponent(messageId)}`;
    return this.#core.attempt(() => this.#core.api.get<Message>(path));
  }

  /** Everything up to the newest message that is here has been on the screen. */
  async markRead(id: string): Promise<void> {
    await this.#reading.markRead(id);
  }

  /** Everything from a message on is unread again, or from the newest one of somebody else; a refusal is shown. */
  async markUnread(id: string, messageId?: string): Promise<void> {
    await this.#core.attempt(() => this.#reading.markUnread(id, messageId));
  }

  /** What was marked as unread is read as usual from now on. */
  clearKeptUnread(): void {
    this.#reading.clearKeptUnread();
  }

  // --- writing -------------------------------------------------------------------------------------------------------

  /** A new message, or the answer to one. */
  async send(message: NewMessage): Promise<void> {
    const clientMessageId = randomId();
    const kept = this.#outbox.add({ ...message, clientMessageId });
    this.#uploads.assign(message.attachments ?? [], clientMessageId);
    await kept;
  }

  /** Another text for a message. Answers whether it was taken. */
  async edit(messageId: string, content: string): Promise<boolean> {
    return this.#attempt("message:edit", { messageId, content });
  }

  /** Answers or edits a message, also after another conversation or a reload; null: no more. */
  compose(composing: Composing | null): void {
    const { me, openId } = this.#core.now;
    const id = composing?.message.conversationId ?? openId;
    if (id !== null) saveComposing(me.id, id, composing);
    this.#core.state.setState({ composing });
  }

  /** Copies a message into other conversations. Rejects with `RequestError`. */
  async forward(messageId: string, conversationIds: readonly string[]): Promise<void> {
    await this.#core.call("message:forward", { messageId, conversationIds });
  }

  async pin({ id, pinned }: Message): Promise<void> {
    await this.#attempt(pinned ? "message:unpin" : "message:pin", { messageId: id });
  }

  async delete(messageId: string): Promise<void> {
    await this.#attempt("message:delete", { messageId });
  }

  /** Gives a reaction, or takes it back. */
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

  /** A letter goes without one of its files. */
  detach(clientMessageId: string, attachment: string): void {
    this.#uploads.remove(attachment);
    void this.#outbox.detach(clientMessageId, attachment);
  }

  /** First the files, so that none is there whose letter is not known. */
  async #restoreOutbox(): Promise<void> {
    await this.#uploads.start();
    await this.#outbox.start().catch(() => undefined);
    this.#uploads.adopt(this.#outbox.entries);
  }

  /** What comes of it is told as an event; a refusal is shown. Answers whether there was none. */
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

  /** Has the messages here among which the reader was, else those where the unread begins. */
  async #reopen(id: string): Promise<void> {
    const timeline = own(this.#core.now.timelines, id);
    const left = this.#scrollAnchors.get(id);
    if (left === undefined) return timeline?.atEnd === true ? undefined : this.#pages.open(id);
    if (timeline?.messages.some((message) => message.id === left.messageId)) return;
    try {
      await this.#pages.around(id, left.messageId);
    } catch (error) {
      if (error instanceof RequestError && error.isTransient) throw error;
      // It is gone, or the reader may not see it any more.
      this.#scrollAnchors.delete(id);
      await this.#pages.open(id);
    }
  }

  /** Shows a message of a conversation. Answers whether there is one; the reader is told where there is not. */
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

  /** A reply is read among the other replies; whoever comes for what is gone is told so. */
  #showTarget(id: string, messageId: string): void {
    const { timelines, openId } = this.#core.now;
    const found = own(timelines, id)?.messages.find((message) => message.id === messageId);
    this.#core.state.setState({ notice: found?.deletedAt === undefined ? "" : texts.deleted });
    const rootId = found?.threadId;
    if (rootId !== undefined && openId === id)
      this.#core.state.setState({ panel: { kind: "thread", rootId, messageId } });
  }

  /** What fails is asked for again when its place comes into sight, or when the connection is back. */
  async #ignoreFailure(loading: Promise<void>): Promise<void> {
    await loading.catch(() => undefined);
  }

  // --- what the server tells -----------------------------------------------------------------------------------------

  #arrived(message: Message): void {
    const { conversations, me, openId, blocked } = this.#core.now;
    const isSeen = this.#core.isWatched(message.conversationId);
    this.#core.state.setState({ conversations: withMessage(conversations, message, me.id, blocked, isSeen) });
    this.#changeTimeline(message.conversationId, (timeline) => withNew(timeline, message));
    // Nobody counts it, so it has to be told, whatever the reader does next.
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
