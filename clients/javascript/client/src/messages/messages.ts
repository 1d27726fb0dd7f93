/** Messages: the timelines, the outbox, and everything that can be done with a message. */

import { createStore, type StoreApi } from "zustand/vanilla";
import { withMessage } from "../conversations/conversations_by_id.ts";
import type { ChatPart, Core } from "../core.ts";
import type { Uploads } from "../files/uploads.ts";
import { given } from "../given.ts";
import { type NewMessage, Outbox, type OutboxEntry, type OutboxStore, type SendConditions } from "../outbox/outbox.ts";
import { own } from "../own.ts";
import { randomId } from "../platform.ts";
import type { Commands, Message, Receipt, ReceiptPage, Version, VersionPage } from "../server/payloads.ts";
import { RequestError } from "../server/request_error.ts";
import type { GrownMessages } from "../streams/growing_messages.ts";
import { editOf, isAsWanted, type MessageChange, replaces } from "./changes.ts";
import { onCardChanged } from "./message_cards.ts";
import { MessagePages } from "./message_pages.ts";
import { textOrParts, withoutParts } from "./message_parts.ts";
import { ReadReporter } from "./read_reporter.ts";
import {
  excerptOf,
  type Timeline,
  tombstone,
  withChanged,
  withExcerpt,
  withRepliesOf,
  withReplyAtRoot,
  withThread,
} from "./timeline.ts";

/** The entries of the outbox that change a message, by its id. */
export type ChangesByMessage = ReadonlyMap<string, readonly OutboxEntry[]>;

/** A message that somebody waits for. */
interface Waiting {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: RequestError) => void;
}

/** How a message arrives. */
interface Arrival {
  /** Whether it was not known. */
  readonly isNew: boolean;
  /** Whether this client has sent it. */
  readonly isSentHere: boolean;
}

export class Messages implements ChatPart {
  /** The messages that are not sent yet, without changes of messages. */
  readonly outbox: StoreApi<readonly OutboxEntry[]> = createStore<readonly OutboxEntry[]>(() => []);
  /** The changes of messages that are not sent yet. */
  readonly changes: StoreApi<ChangesByMessage> = createStore<ChangesByMessage>(() => new Map());
  /** The ids of the outbox entries that are being sent. */
  readonly sending: StoreApi<ReadonlySet<string>> = createStore<ReadonlySet<string>>(() => new Set());
  /** Resolves when the outbox has the entries that an earlier page has stored. */
  restored: Promise<void> = Promise.resolve();
  /** Called for each message that arrives. */
  readonly arrivalHandlers: ((message: Message, arrival: Arrival) => void)[] = [];
  /** Called when the server has refused a message of the reader. */
  onRefused: (conversationId: string, refused: RequestError) => void = () => undefined;
  protected readonly core: Core;
  protected readonly pages: MessagePages;
  protected readonly reading: ReadReporter;
  readonly #outbox: Outbox;
  readonly #uploads: Uploads;
  readonly #waiting = new Map<string, Waiting>();
  /** The conversations that have to be loaded again, since changes were missed. */
  readonly #stale = new Set<string>();

  /** `collapses`: replies in threads are not among the loaded messages; their roots say how many there are. */
  constructor(core: Core, uploads: Uploads, store: OutboxStore, collapses = false) {
    this.core = core;
    this.#uploads = uploads;
    uploads.onProgress = () => this.#outbox.sendReady();
    uploads.state.subscribe((files) => {
      for (const { entryId, problem, problemCode, problemDetails: details } of files)
        if (entryId !== null && problem !== null)
          this.#settle(entryId)?.reject(new RequestError({ code: problemCode ?? "", message: problem, details }));
    });
    this.pages = new MessagePages(core, collapses);
    this.reading = new ReadReporter(core, collapses);
    this.#outbox = new Outbox({
      get userId() {
        return core.now.me.id || core.rest.unconfirmedUserId;
      },
      get unconfirmedUserId() {
        return core.rest.unconfirmedUserId;
      },
      store,
      send: (entry) => this.#send(entry),
      onChange: (entries) => {
        const unsent = entries.filter(({ change }) => change === undefined);
        this.outbox.setState(unsent, true);
        // Few entries are changes.
        if (unsent.length < entries.length || this.changes.getState().size > 0)
          this.changes.setState(changesByMessage(entries), true);
      },
      isReady: ({ clientMessageId, attachments = [] }) =>
        !this.isHeld(clientMessageId) && uploads.isSettled(attachments),
      awaitsFiles: ({ attachments = [] }) => uploads.isAwaited(attachments),
      onSending: (ids) => this.sending.setState(ids, true),
      onRefused: ({ clientMessageId }, refused) => this.#settle(clientMessageId)?.reject(refused),
      onRemoved: ({ clientMessageId }, isSent) => {
        uploads.release(clientMessageId, isSent);
        if (!isSent) this.#settle(clientMessageId)?.reject(discarded());
      },
      restoreFiles: (left) => uploads.takeOver(left),
      // The other page removes the files of a discarded one.
      onRemovedElsewhere: ({ clientMessageId }, isSent) => {
        if (isSent) uploads.release(clientMessageId, true);
        else this.#settle(clientMessageId)?.reject(discarded());
      },
    });
    core.on("message:new", (message) => this.#arrived(withRepliesOf(message)));
    core.on("message:updated", (message) =>
      this.#change(message.conversationId, message.id, (before) => withRepliesOf(message, before), excerptOf(message)),
    );
    core.on("message:deleted", ({ conversationId, messageId, deletedAt }) => {
      this.#change(conversationId, messageId, (message) => tombstone(message, deletedAt), "");
      // An edit stays, so that its text is not lost.
      void this.#outbox.withdraw(({ change }) => change?.messageId === messageId && change.kind !== "edit");
    });
    // Slow mode may have ended, or not apply to the reader any more.
    core.on("conversation:updated", ({ id }) => this.#outbox.resume(id));
    core.on("member:updated", ({ conversationId, userId }) => {
      if (userId === core.now.me.id) this.#outbox.resume(conversationId);
    });
    core.on("thread:updated", ({ conversationId, messageId, thread }) =>
      this.#change(conversationId, messageId, (root) => withThread(root, thread)),
    );
    core.on("message:pinned", ({ conversationId, messageId }) =>
      this.#change(conversationId, messageId, (message) => ({ ...message, pinned: true })),
    );
    core.on("message:unpinned", ({ conversationId, messageId }) =>
      this.#change(conversationId, messageId, (message) => ({ ...message, pinned: false })),
    );
    core.on("message:reaction", ({ conversationId, messageId, reactions }) =>
      this.#change(conversationId, messageId, (message) => ({ ...message, reactions })),
    );
    onCardChanged(core, ({ conversationId, messageId, how, excerpt }) =>
      this.#change(conversationId, messageId, how, excerpt),
    );
    core.growing.handlers.push((grown) => this.#grow(grown));
    core.growing.onStored = (message) => void this.#loadAgain(message);
  }

  started(): void {
    this.restored = this.#restoreOutbox();
  }

  connected(): void {
    this.#outbox.setOpen(true);
    this.reading.connected();
    for (const id of this.#stale) void this.reload(id);
    for (const { messages } of Object.values(this.core.now.timelines))
      for (const message of messages) this.core.growing.loaded(message);
  }

  lost(): void {
    this.#outbox.setOpen(false);
  }

  stopped(): void {
    this.#outbox.stop();
    const closed = new RequestError({ code: "closed", message: "The client was closed. It sends the message later." });
    for (const { reject } of this.#waiting.values()) reject(closed);
    this.#waiting.clear();
  }

  /** What is loaded has to be replaced, since changes were missed. `connected` follows. */
  loaded(): void {
    for (const id of Object.keys(this.core.now.timelines)) this.#stale.add(id);
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  /** Replaces what is loaded of a conversation by its newest page. Removes it when it may not be read any more. */
  async reload(id: string): Promise<void> {
    try {
      await this.pages.reload(id);
      this.#stale.delete(id);
    } catch (error) {
      // The next connection loads it again.
      if (error instanceof RequestError && error.isTransient) return;
      this.#stale.delete(id);
      const { [id]: _, ...timelines } = this.core.now.timelines;
      this.core.state.setState({ timelines });
    }
  }

  /** Loads the newest page of a conversation. Rejects with `RequestError`. */
  loadNewest(id: string): Promise<void> {
    return this.pages.newest(id);
  }

  /** Whether a page of a conversation is being loaded. */
  isLoading(id: string): boolean {
    return this.pages.isLoading(id);
  }

  /** Loads the next page of older messages. Rejects with `RequestError`. */
  loadOlder(id: string): Promise<void> {
    return this.pages.older(id);
  }

  /** Loads the next page of newer messages. Rejects with `RequestError`. */
  loadNewer(id: string): Promise<void> {
    return this.pages.newer(id);
  }

  /** Drops the messages at the end that is far from the reader, when many are loaded. */
  dropEnd(id: string, end: "oldest" | "newest"): void {
    this.pages.dropEnd(id, end);
  }

  /** Returns the versions of a message, the newest last. Rejects with `RequestError`. */
  async versions(messageId: string): Promise<Version[]> {
    return (await this.core.rest.get<VersionPage>(`messages/${messageId}/history?limit=100`)).items;
  }

  /** Returns who has received and read a message. Rejects with `RequestError`. */
  async receipts(messageId: string): Promise<Receipt[]> {
    return (await this.core.rest.get<ReceiptPage>(`messages/${messageId}/receipts`)).items;
  }

  /** Marks everything up to a message as read, by default up to the newest loaded one. Rejects with `RequestError`. */
  async markRead(id: string, upTo?: Message): Promise<void> {
    await this.reading.markRead(id, upTo);
  }

  /** Marks everything up to a message as read, while the page is being closed. */
  markReadBeforeEnd(id: string, upTo: Message): void {
    this.reading.markReadBeforeEnd(id, upTo);
  }

  /** Marks everything from a message on as unread, by default from another user's newest message. */
  async markUnread(id: string, messageId?: string): Promise<void> {
    await this.reading.markUnread(id, messageId);
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /** Sends a message through the outbox. Resolves when it is in the outbox. */
  async send(message: NewMessage): Promise<void> {
    const clientMessageId = message.clientMessageId ?? randomId();
    const isStored = this.#outbox.add({ ...message, clientMessageId });
    this.#uploads.assign(message.attachments ?? [], clientMessageId);
    await isStored;
  }

  /** Sends a message through the outbox, and returns it when the server has stored it. Rejects with `RequestError`. */
  deliver(message: NewMessage): Promise<Message> {
    const clientMessageId = message.clientMessageId ?? randomId();
    return new Promise((resolve, reject) => {
      this.#waiting.set(clientMessageId, { resolve, reject });
      this.send({ ...message, clientMessageId }).catch(reject);
    });
  }

  /**
   * Changes a message through the outbox: it is shown at once (`changes`), and sent when there is a connection. A later
   * change of the same kind replaces one that is not sent yet. Resolves when the change is in the outbox.
   */
  async change(conversationId: string, change: MessageChange): Promise<void> {
    const isIdle = await this.#outbox.withdraw(
      ({ change: earlier }) => earlier !== undefined && replaces(change, earlier),
    );
    const loaded = own(this.core.now.timelines, conversationId)?.messages.find(({ id }) => id === change.messageId);
    if (isIdle && loaded !== undefined && isAsWanted(loaded, change, this.core.now.me.id)) return;
    await this.#outbox.add({ conversationId, content: "", change });
  }

  /**
   * Forwards a message to other conversations. Rejects with `RequestError`. With a `key`, a call that is repeated because
   * its outcome is unknown forwards once.
   */
  async forward(messageId: string, conversationIds: readonly string[], key?: string): Promise<void> {
    if (key === undefined) await this.core.call("message:forward", { messageId, conversationIds });
    else await this.core.rest.postOnce(`messages/${encodeURIComponent(messageId)}/forward`, { conversationIds }, key);
  }

  /**
   * Sends a message again that the server refused. A reply to a message that was deleted is sent as a message of its own.
   * One that was refused because something new has come is sent without that condition, or with other `conditions`.
   */
  retry(clientMessageId: string, conditions?: SendConditions): void {
    void this.#outbox.retry(clientMessageId, conditions);
  }

  discard(clientMessageId: string): void {
    void this.#outbox.discard(clientMessageId);
  }

  /**
   * Gives a message in the outbox another text, in its place; if it was sent meanwhile, the message is edited. Returns
   * false where it is not in the outbox any more.
   */
  rewrite(clientMessageId: string, content: string): Promise<boolean> {
    return this.#outbox.rewrite(clientMessageId, content);
  }

  /** Whether a message in the outbox is not sent for now, and holds up those behind it. */
  protected isHeld(_clientMessageId: string): boolean {
    return false;
  }

  /** Sends what was held, and is not any more. */
  protected sendReady(): void {
    this.#outbox.sendReady();
  }

  /** Discards everything of a conversation that is in the outbox, also what is being sent. */
  discardAll(conversationId: string): void {
    for (const entry of this.#outbox.entries)
      if (entry.conversationId === conversationId) this.discard(entry.clientMessageId);
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

  async #send(entry: OutboxEntry): Promise<void> {
    if (entry.change !== undefined) return this.#sendChange(entry.conversationId, entry.change);
    const { conversationId, content, clientMessageId, replyToId, threadId = null, attachments = [] } = entry;
    const { ifLastSeq, ifHandler, generated, onBehalfOf, parts, formerContents } = entry;
    const fileIds = this.#uploads.fileIds(attachments);
    if (fileIds === null) throw new RequestError({ code: "files_lost", message: "A file of the message was lost." });
    const reply = replyToId === null ? {} : { replyToId };
    const thread = threadId === null ? {} : { threadId };
    const files =
      fileIds.length === 0 ? {} : { attachments: fileIds.map((id) => ({ id, ...this.#uploads.detailsOf(id) })) };
    const wanted = given({ ifLastSeq, ifHandler, generated, onBehalfOf });
    const payload = { conversationId, clientMessageId, ...reply, ...thread, ...wanted, ...files };
    const texts = [content, ...(formerContents ?? [])].map((each) => textOrParts(each, parts));
    try {
      this.#arrived(await this.#sendOnce(payload, texts));
    } catch (error) {
      if (error instanceof RequestError) this.onRefused(conversationId, error);
      throw error;
    }
  }

  /** Sends a message with the first of these texts, or finds the one that was stored with a later one, a former text. */
  async #sendOnce(payload: Commands["message:send"]["payload"], texts: readonly object[]): Promise<Message> {
    const [text, ...former] = texts;
    try {
      return (await this.core.call("message:send", { ...payload, ...text })).message;
    } catch (error) {
      if (former.length === 0 || !(error instanceof RequestError) || error.code !== "conflict") throw error;
      // With the id of a stored message it would not have been refused for this.
      if (error.changed !== null) throw error;
      return this.#sendOnce(payload, former);
    }
  }

  /** Sends a change. Its result is shown when it resolves: the event may arrive later. */
  async #sendChange(conversationId: string, change: MessageChange): Promise<void> {
    const { core } = this;
    const { messageId } = change;
    if (change.kind === "edit") {
      const { message } = await core.call("message:edit", { messageId, ...editOf(change) });
      core.handleMissed("message:updated", message);
    } else if (change.kind === "react") {
      const { emoji, isGiven } = change;
      const { reactions } = await core.call(isGiven ? "message:react" : "message:unreact", { messageId, emoji });
      core.handleMissed("message:reaction", { conversationId, messageId, reactions });
    } else if (change.kind === "pin") {
      await core.call(change.isPinned ? "message:pin" : "message:unpin", { messageId });
      this.#change(conversationId, messageId, (message) => ({ ...message, pinned: change.isPinned }));
    } else {
      await core.call("message:delete", { messageId });
      this.#change(conversationId, messageId, (message) => tombstone(message, new Date().toISOString()), "");
    }
  }

  /** Returns who waits for an outbox entry, for the last time. */
  #settle(clientMessageId: string): Waiting | undefined {
    const waiting = this.#waiting.get(clientMessageId);
    this.#waiting.delete(clientMessageId);
    return waiting;
  }

  // --- events -------------------------------------------------------------------------------------------------------

  #arrived(message: Message): void {
    const { conversations, me, blocked } = this.core.now;
    const isSeen = this.core.isWatched(message.conversationId);
    this.core.state.setState({ conversations: withMessage(conversations, message, me.id, blocked, isSeen) });
    this.#changeTimeline(message.conversationId, this.pages.arrived(message));
    // The message was not counted as unread, so it has to be marked as read in any case.
    if (isSeen) void this.markRead(message.conversationId).catch(() => undefined);
    const isNew = message.seq > (own(conversations, message.conversationId)?.lastSeq ?? 0);
    if (isNew && message.threadId !== undefined)
      this.#change(message.conversationId, message.threadId, (root) => withReplyAtRoot(root, message));
    let isSentHere = false;
    if (message.senderId === me.id && message.clientMessageId !== undefined) {
      const entry = this.#outbox.entries.find(({ clientMessageId }) => clientMessageId === message.clientMessageId);
      isSentHere = this.#outbox.arrived(message.clientMessageId);
      // It was rewritten while it was on its way.
      if (entry?.formerContents !== undefined && entry.content !== message.content)
        void this.change(message.conversationId, { kind: "edit", messageId: message.id, content: entry.content });
      this.#settle(message.clientMessageId)?.resolve(message);
    }
    for (const handler of this.arrivalHandlers) handler(message, { isNew, isSentHere });
  }

  /** Makes a change that may be repeated. `excerpt`: how replies quote the message from now on. */
  #change(conversationId: string, messageId: string, change: (message: Message) => Message, excerpt?: string): void {
    const changed = (message: Message): Message => {
      if (message.id === messageId) return change(message);
      return excerpt === undefined ? message : withExcerpt(message, messageId, excerpt);
    };
    this.pages.changed(conversationId, changed);
    if (excerpt === undefined) this.#changeShown(conversationId, messageId, change);
    else this.#changeAll(conversationId, changed);
  }

  /** Shows the newest text of messages that are being written. What lists show of them stays until their end. */
  #grow(grown: GrownMessages): void {
    const { growing, now, state } = this.core;
    const changed: Record<string, Timeline> = {};
    for (const [id, { conversationId }] of grown) {
      const before = own(changed, conversationId) ?? own(now.timelines, conversationId);
      const after = before && withChanged(before, id, (message) => growing.of(message));
      if (after !== undefined && after !== before) changed[conversationId] = after;
    }
    if (Object.keys(changed).length > 0)
      state.setState(({ timelines }) => ({ timelines: { ...timelines, ...changed } }));
  }

  /** Loads a message again that is being written, unless deltas of it have come. */
  async #loadAgain({ id, conversationId }: Message): Promise<void> {
    const { core } = this;
    const isLacking = (): boolean =>
      !core.growing.has(id) &&
      own(core.now.timelines, conversationId)?.messages.some((each) => each.id === id && each.state === "streaming") ===
        true;
    if (!isLacking() || !core.now.connected) return;
    // Otherwise its end brings all of it.
    const message = await core.rest.get<Message>(`messages/${id}`).catch(() => undefined);
    if (message !== undefined && isLacking())
      this.#changeShown(conversationId, id, (before) => withRepliesOf(message, before));
  }

  #changeShown(conversationId: string, messageId: string, change: (message: Message) => Message): void {
    this.#changeTimeline(conversationId, (timeline) => withChanged(timeline, messageId, change));
    this.core.changeConversation(conversationId, (before) =>
      before.lastMessage?.id === messageId
        ? { ...before, lastMessage: withoutParts(change(before.lastMessage)) }
        : before,
    );
  }

  #changeAll(conversationId: string, change: (message: Message) => Message): void {
    this.#changeTimeline(conversationId, (timeline) => ({ ...timeline, messages: timeline.messages.map(change) }));
    this.core.changeConversation(conversationId, (before) =>
      before.lastMessage === undefined ? before : { ...before, lastMessage: withoutParts(change(before.lastMessage)) },
    );
  }

  #changeTimeline(id: string, change: (before: Timeline) => Timeline): void {
    const before = own(this.core.now.timelines, id);
    if (before === undefined) return;
    const after = change(before);
    if (after !== before) this.core.state.setState(({ timelines }) => ({ timelines: { ...timelines, [id]: after } }));
  }
}

const discarded = (): RequestError => new RequestError({ code: "discarded", message: "The message was discarded." });

function changesByMessage(entries: readonly OutboxEntry[]): ChangesByMessage {
  const found = new Map<string, OutboxEntry[]>();
  for (const entry of entries) {
    if (entry.change === undefined) continue;
    const { messageId } = entry.change;
    found.set(messageId, [...(found.get(messageId) ?? []), entry]);
  }
  return found;
}
