/** The messages as the page shows them: where the reader is in a conversation, and what they write. */

import type { Message } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import {
  Messages,
  type NewMessage,
  type OutboxEntry,
  type OutboxStore,
  own,
  placeOf,
  Saved,
  type SendConditions,
  type Timeline,
  type Uploads,
  whenAccepted,
} from "@talkwire/client/parts";
import { createStore, type StoreApi } from "zustand/vanilla";
import { texts } from "../../texts";
import type { Composing, PageCore, Target } from "../page_core";
import { Drafts } from "../writing/drafts";
import { messageSummary } from "./message_summary";
import { plainText } from "./plain_text";
import { ScrollAnchors } from "./scroll_anchors";

/** At most so many pages of so many messages are looked through for unread replies in threads. */
const REPLIES_PAGE = 100;
const REPLIES_PAGES = 10;

export class PageMessages extends Messages {
  declare protected readonly core: PageCore;
  readonly saved: Saved;
  readonly anchors: ScrollAnchors;
  /** When the reader has last written in a conversation, by this page's clock; by its id. */
  readonly sentAt: StoreApi<ReadonlyMap<string, number>> = createStore<ReadonlyMap<string, number>>(() => new Map());
  /** Somebody else's reply in a thread that has arrived last. */
  readonly newestReply: StoreApi<{ readonly reply: Message | null }> = createStore<{ reply: Message | null }>(() => ({
    reply: null,
  }));
  readonly #uploads: Uploads;
  /** The outbox entries of refused edits that were looked at. */
  readonly #refusedEdits = new Set<string>();
  /** The conversations whose messages are those that this browser has saved: they miss what has happened since. */
  readonly #savedOnly = new Set<string>();

  /** The messages that are being written: they are announced when they are complete. */
  readonly #growing = new Set<string>();

  readonly drafts: Drafts;
  /** Called when the reader has written in the open conversation. */
  onAnswered: (conversationId: string) => void = () => undefined;
  /** Returns on what the storing of a new message depends. The desk replaces this, for members of teams. */
  conditionsOf: (message: NewMessage) => SendConditions = () => ({});

  constructor(core: PageCore, uploads: Uploads, store: OutboxStore) {
    super(core, uploads, store, true);
    this.#uploads = uploads;
    const { id } = core.now.me;
    this.drafts = new Drafts(id, {
      isSignedIn: () => core.api.session?.user.id === id,
      isShown: (_, place) => core.now.openId === place,
      onChange: (kind, place) => kind === "composing" && this.#followComposing(place),
    });
    core.state.subscribe((now, before) => {
      if (now.timelines !== before.timelines || now.composing !== before.composing) this.#checkComposed();
      if (now.composing !== before.composing && before.composing !== null) this.sendReady();
    });
    // A thread's messages are not among the timelines.
    core.on("message:deleted", ({ messageId }) => {
      if (core.now.composing?.message.id === messageId) this.#endComposing();
    });
    this.changes.subscribe((changes) => {
      for (const entry of [...changes.values()].flat()) if (entry.problem !== null) void this.#editRefused(entry);
    });
    this.saved = new Saved(core);
    this.anchors = new ScrollAnchors(core);
    this.arrivalHandlers.push((message, { isNew, isSentHere }) => {
      const { openId, blocked, me } = core.now;
      const { senderId, conversationId } = message;
      if (isNew && senderId === me.id && message.type !== "system") {
        const at = isSentHere ? Date.now() : Math.min(Date.now(), Date.parse(message.createdAt));
        this.sentAt.setState(new Map(this.sentAt.getState()).set(conversationId, at), true);
      }
      if (isNew && !isSentHere && senderId === me.id) this.#sentElsewhere(message);
      if (senderId === me.id) this.#sentMeanwhile(message);
      if (isNew && this.#isOthersReply(message)) this.newestReply.setState({ reply: message });
      if (message.senderId === me.id || message.conversationId !== openId || blocked.has(message.senderId)) return;
      if (isNew && message.threadId === undefined && !core.isWatched(openId)) this.#arrivedUnwatched(message);
      if (message.state === "streaming") this.#growing.add(message.id);
      else this.#announce(message);
    });
    core.growing.handlers.push((grown) => {
      for (const id of grown.keys()) this.#growing.add(id);
    });
    core.on("message:updated", (message) => {
      if (message.state !== "streaming" && this.#growing.delete(message.id)) this.#announce(message);
    });
  }

  /** Has screen readers read a message of another user in the open conversation. */
  #announce(message: Message): void {
    const { openId, blocked, me } = this.core.now;
    const { senderId, sender, conversationId, type } = message;
    if (senderId === me.id || conversationId !== openId || blocked.has(senderId)) return;
    const speaker = type === "system" ? "" : `${sender.name}: `;
    this.core.state.setState({ announcement: speaker + plainText(messageSummary(message)) });
  }

  /** The page shows one conversation: the others are loaded when they are opened. */
  override loaded(): void {
    const { openId, conversations } = this.core.now;
    const { unreadCount = 0, readSeq = 0 } = conversations[openId ?? ""] ?? {};
    // What was unread before may have been read since.
    const unread = unreadCount > 0 ? { after: readSeq, count: unreadCount } : null;
    this.#savedOnly.clear();
    this.core.state.setState({ timelines: {}, unread });
    if (openId !== null) void ignoreFailure(this.#reopen(openId, unread?.after ?? null));
  }

  override connected(): void {
    super.connected();
    if (this.#savedOnly.size === 0) return;
    const loaded = Object.entries(this.core.now.timelines).filter(([id]) => !this.#savedOnly.has(id));
    this.#savedOnly.clear();
    this.core.state.setState({ timelines: Object.fromEntries(loaded) });
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  /**
   * Loads a conversation's messages: around a message, or where the reader left off. `readSeq`: the `seq` up to which
   * they have read; null if they have read everything.
   */
  async open(id: string, messageId?: string, readSeq = this.core.now.unread?.after ?? null): Promise<void> {
    if (messageId !== undefined && (await this.#goTo(id, messageId))) return;
    await ignoreFailure(this.#reopen(id, readSeq));
  }

  /**
   * Forgets where the reader left a conversation, so that it opens where the unread messages start. `readSeq`: the `seq` up
   * to which they have read; null if they have read all messages.
   */
  forgetPlace(id: string, readSeq: number | null): void {
    this.anchors.set(id, null);
    const { timelines, connected } = this.core.now;
    const timeline = own(timelines, id);
    if (timeline === undefined || timeline.atEnd || !connected) return;
    const last = timeline.messages.at(-1)?.seq ?? 0;
    if (readSeq !== null && last > readSeq && this.#hasLoaded(id, readSeq)) return;
    // What is loaded around that place would be shown first, and the list would stay there.
    const { [id]: _, ...others } = timelines;
    this.core.state.setState({ timelines: others });
  }

  /** Shows the saved messages of a conversation until there is a connection. */
  showSaved(id: string, timeline: Timeline): void {
    this.#savedOnly.add(id);
    this.core.state.setState(({ timelines }) => ({ timelines: { ...timelines, [id]: timeline } }));
  }

  override loadOlder(id: string): Promise<void> {
    return ignoreFailure(super.loadOlder(id));
  }

  override loadNewer(id: string): Promise<void> {
    return ignoreFailure(super.loadNewer(id));
  }

  /** Shows the newest messages. */
  async toNewest(id: string): Promise<void> {
    if (own(this.core.now.timelines, id)?.atEnd !== true) await ignoreFailure(this.pages.newest(id));
    if (this.core.now.openId === id) this.core.state.setState({ target: { messageId: null } });
  }

  /** Shows the first message after a `seq`, where the reader reads on. */
  async toFirstAfter(id: string, seq: number): Promise<void> {
    this.clearKeptUnread();
    const first = () => own(this.core.now.timelines, id)?.messages.find((message) => isRowAfter(message, seq));
    if (first() === undefined || !this.#hasLoaded(id, seq)) await ignoreFailure(this.pages.open(id, seq));
    const messageId = first()?.id;
    if (messageId !== undefined && this.core.now.openId === id) this.core.state.setState({ target: { messageId } });
  }

  /** Makes what was read after a `seq` unread again. Shows an error. */
  async markUnreadAfter(id: string, seq: number): Promise<void> {
    const first = await this.core.attempt(async () => {
      const page = { conversationId: id, aroundSeq: seq + 1, limit: 2 };
      const { messages } = await whenAccepted(() => this.core.call("messages:list", page));
      return messages.find((message) => message.seq > seq);
    });
    if (first !== undefined) await this.markUnread(id, first.id);
  }

  /** Returns others' replies in threads after a `seq`. Of very many messages only the newest are looked through. */
  async repliesAfter(id: string, seq: number): Promise<readonly Message[]> {
    const { lastSeq = 0 } = own(this.core.now.conversations, id) ?? {};
    const limit = Math.min(Math.max(lastSeq - seq, 1), REPLIES_PAGE);
    let found: readonly Message[] = [];
    let where: { before?: string } = {};
    for (let pages = 0; pages < REPLIES_PAGES; pages++) {
      const page = { conversationId: id, limit, ...where };
      const { messages, hasMore } = await whenAccepted(() => this.core.call("messages:list", page));
      found = [...messages, ...found];
      const [first] = messages;
      if (first === undefined || first.seq <= seq + 1 || !hasMore) break;
      where = { before: first.id };
    }
    return found.filter((each) => each.seq > seq && this.#isOthersReply(each));
  }

  #isOthersReply({ threadId, deletedAt, senderId }: Message): boolean {
    const { me, blocked } = this.core.now;
    return threadId !== undefined && deletedAt === undefined && senderId !== me.id && !blocked.has(senderId);
  }

  /** Returns the `seq` of the newest message of a conversation that the reader has had on the screen. */
  seenSeq(id: string): number {
    const { lastSeq = 0, readSeq = 0 } = own(this.core.now.conversations, id) ?? {};
    return this.core.isWatched(id) ? lastSeq : readSeq;
  }

  /** The list has scrolled to the target. */
  targetReached(target: Target): void {
    if (this.core.now.target === target) this.core.state.setState({ target: null });
  }

  /** Finds a message in any conversation. Shows an error when it fails. */
  async find(messageId: string): Promise<Message | undefined> {
    const path = `messages/${encodeURIComponent(messageId)}`;
    return this.core.attempt(() => this.core.api.get<Message>(path));
  }

  /** Returns a message of any conversation that is on this page or can be loaded. */
  async known(messageId: string): Promise<Message | undefined> {
    for (const { messages } of Object.values(this.core.now.timelines)) {
      const found = messages.find(({ id }) => id === messageId);
      if (found !== undefined) return found;
    }
    return this.core.api.get<Message>(`messages/${encodeURIComponent(messageId)}`).catch(() => undefined);
  }

  /**
   * Marks everything from a message on as unread, by default from another user's newest message. An open conversation
   * stays unread until the reader leaves it. Shows an error.
   */
  override async markUnread(id: string, messageId?: string): Promise<void> {
    const { core } = this;
    const isOpen = core.now.openId === id;
    if (isOpen) core.state.setState({ keptUnread: id });
    const readSeq = await core.attempt(() => whenAccepted(() => this.reading.markUnread(id, messageId)));
    if (readSeq === undefined && isOpen) this.clearKeptUnread();
    else if (readSeq !== undefined) this.markedUnread(id, readSeq);
  }

  /** Shows from where on the open conversation is unread, since the reader has marked it so. */
  markedUnread(id: string, readSeq: number): void {
    const { openId, conversations } = this.core.now;
    const count = own(conversations, id)?.unreadCount ?? 0;
    if (openId === id) this.core.state.setState({ keptUnread: id, unread: { after: readSeq, count } });
  }

  /** Stops keeping the open conversation unread. */
  clearKeptUnread(): void {
    this.core.state.setState({ keptUnread: null });
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /** Sends a message through the outbox, and shows it: the open conversation goes to its end. Ends a notice. */
  override async send(message: NewMessage): Promise<void> {
    const stored = super.send({ ...this.conditionsOf(message), ...message });
    if (this.core.now.notice !== "") this.core.state.setState({ notice: "" });
    const { conversationId, threadId = null } = message;
    if (threadId === null && this.core.now.openId === conversationId) {
      void this.toNewest(conversationId);
      this.onAnswered(conversationId);
    }
    await stored;
  }

  /** A message is not sent with its former text while the reader edits it. */
  protected override isHeld(clientMessageId: string): boolean {
    return this.core.now.composing?.message.id === clientMessageId;
  }

  /** Starts to edit a message that waits to be sent, unless it is on its way. */
  editUnsent(clientMessageId: string): void {
    const entry = this.outbox.getState().find((each) => each.clientMessageId === clientMessageId);
    if (entry === undefined || this.sending.getState().has(clientMessageId)) return;
    this.compose({ kind: "edit", message: this.#asMessage(entry) });
  }

  /** Returns an unsent message as it will be sent. Until then its id is the one that this page has given it. */
  #asMessage({ clientMessageId, conversationId, threadId, content, writtenAt }: OutboxEntry): Message {
    const { me } = this.core.now;
    const files = this.#uploads.state.getState().filter(({ entryId }) => entryId === clientMessageId);
    return {
      id: clientMessageId,
      clientMessageId,
      conversationId,
      ...(threadId && { threadId }),
      seq: 0,
      senderId: me.id,
      sender: me,
      type: "text",
      createdAt: new Date(writtenAt).toISOString(),
      content,
      attachments: files.map(({ name, type, size }) => ({ url: "", name, contentType: type, size })),
    };
  }

  /** Cancels a message that is not being sent. Returns how to send it after all; null where its files are gone. */
  cancel(clientMessageId: string): (() => void) | null {
    const entry = this.outbox.getState().find((each) => each.clientMessageId === clientMessageId);
    if (entry === undefined || this.sending.getState().has(clientMessageId)) return null;
    this.discard(clientMessageId);
    const { conversationId, content, replyToId, threadId = null, attachments = [] } = entry;
    return attachments.length > 0 ? null : () => void this.send({ conversationId, content, replyToId, threadId });
  }

  edit(message: Message, content: string): void {
    const { conversationId, id } = message;
    if (isUnsent(message)) void this.#editUnsent(message, content);
    else void this.change(conversationId, { kind: "edit", messageId: id, content });
  }

  async #editUnsent({ conversationId, threadId, id }: Message, content: string): Promise<void> {
    if (await this.rewrite(id, content)) return;
    await this.restored;
    // Another tab has sent it or cancelled it, where this one does not know the message.
    if (!(await this.rewrite(id, content))) this.drafts.append(placeOf(conversationId, threadId), content);
  }

  override discard(clientMessageId: string): void {
    if (this.core.now.composing?.message.id === clientMessageId) this.#endComposing();
    super.discard(clientMessageId);
  }

  /**
   * Starts to reply to a message or to edit it; the choice outlives a reload. Null cancels it. `text`: the changed text
   * of an edited message. A reply waits while a message is edited, like its text.
   */
  compose(chosen: Composing | null, text?: string): void {
    const before = this.core.now.composing;
    if (chosen !== null && before?.kind === "edit") this.offerEditAgain(before);
    const replyTo = before?.kind === "reply" ? before.message : before?.replyTo;
    let composing = chosen;
    if (replyTo !== undefined && chosen?.kind === "edit") composing = { ...chosen, replyTo };
    if (replyTo !== undefined && chosen === null && before?.kind === "edit")
      composing = { kind: "reply", message: replyTo };
    const id = (composing ?? before)?.message.conversationId ?? this.core.now.openId;
    if (id !== null)
      this.drafts.saveComposing(id, composing === null || text === undefined ? composing : { ...composing, text });
    this.core.state.setState({ composing });
  }

  /**
   * Shows that the message which the reader edits was edited elsewhere since they began, in the line above the field. Saving
   * replaces that. Returns whether it was, in another way than to `text`.
   */
  showOtherEdit(message: Message, text: string): boolean {
    const { composing } = this.core.now;
    const { content, conversationId } = message;
    if (composing === null || content === undefined) return false;
    if (content === composing.message.content || content === text) return false;
    const edit = { ...composing, message };
    this.drafts.saveComposing(conversationId, { ...edit, text });
    this.core.state.setState({ composing: edit });
    this.core.inform(texts.editedElsewhere);
    return true;
  }

  /** Offers to take up an edit again that the reader leaves with a changed text. */
  offerEditAgain(edit: Composing): void {
    const { conversationId, content = "" } = edit.message;
    const text = this.drafts.editOf(edit.message);
    if (text === null || text === content) return;
    const run = (): void => {
      if (this.core.now.openId === conversationId) this.compose(edit, text);
      else this.drafts.saveComposing(conversationId, { ...edit, text });
    };
    this.core.state.setState({
      toast: { text: texts.editDiscarded, action: { label: texts.undo, run } },
      announcement: texts.editDiscarded,
    });
  }

  /** Ends the edit of a message that was deleted or the reply to it, perhaps while this page was disconnected. */
  #checkComposed(): void {
    const { composing, timelines } = this.core.now;
    if (composing === null) return;
    const { id, conversationId } = composing.message;
    const shown = own(timelines, conversationId)?.messages.find(
      (message) => message.id === id || message.clientMessageId === id,
    );
    if (shown?.deletedAt !== undefined) this.#endComposing();
    else if (shown !== undefined) this.#sentMeanwhile(shown);
  }

  /** A message was sent while the reader edits it: from here on they edit the sent one. */
  #sentMeanwhile(message: Message): void {
    const { composing } = this.core.now;
    if (composing === null || !isUnsent(composing.message)) return;
    if (composing.message.id !== message.clientMessageId) return;
    const text = this.drafts.editOf(composing.message);
    const edit = { ...composing, message };
    this.drafts.saveComposing(message.conversationId, text === null ? edit : { ...edit, text });
    this.core.state.setState({ composing: edit });
  }

  #endComposing(): void {
    const { composing } = this.core.now;
    if (composing === null) return;
    const { kind, message } = composing;
    if (kind === "reply") {
      this.compose(null);
      this.core.inform(texts.repliedWasDeleted);
      return;
    }
    const text = this.drafts.editOf(message);
    this.drafts.saveComposing(message.conversationId, null);
    this.core.state.setState({ composing: null });
    this.#keepEdit(message, text === message.content ? "" : (text ?? ""));
  }

  /** Makes the changed text of a deleted message a draft, and says so. */
  #keepEdit({ id, conversationId, threadId }: Message, edited: string): void {
    const isKept = edited.trim() !== "";
    if (isKept) this.drafts.append(placeOf(conversationId, threadId), edited);
    if (this.#isOpen(conversationId, threadId)) {
      this.core.inform(texts.editedWasDeleted(isKept));
      return;
    }
    const name = own(this.core.now.conversations, conversationId)?.name;
    const text = name === undefined ? texts.editedWasDeleted(isKept) : texts.editedWasDeletedIn(name, isKept);
    // The place of a reply opens its thread.
    const leadsTo = { conversationId, messageId: threadId === undefined ? undefined : id };
    this.core.state.setState({ toast: { text, leadsTo, isNews: true }, announcement: text });
  }

  /** Whether the composer of a conversation or a thread is on the screen. */
  #isOpen(conversationId: string, threadId: string | undefined): boolean {
    const { openId, panel } = this.core.now;
    const rootId = panel?.kind === "thread" ? panel.rootId : undefined;
    return openId === conversationId && (threadId === undefined || threadId === rootId);
  }

  /** An edit was refused: if the message was deleted, the text becomes a draft. */
  async #editRefused({ clientMessageId, change }: OutboxEntry): Promise<void> {
    if (change?.kind !== "edit" || change.content === undefined || this.#refusedEdits.has(clientMessageId)) return;
    this.#refusedEdits.add(clientMessageId);
    const path = `messages/${encodeURIComponent(change.messageId)}`;
    const found = await this.core.api.get<Message>(path).catch(() => undefined);
    if (found?.deletedAt === undefined) return;
    this.discard(clientMessageId);
    this.#keepEdit(found, change.content);
  }

  /** Another tab or device has sent a message: a draft with the same text is done, and so is a reply without a draft. */
  #sentElsewhere({ conversationId, threadId, content = "", replyTo }: Message): void {
    const place = placeOf(conversationId, threadId);
    this.drafts.sentElsewhere(place, content);
    const { composing } = this.core.now;
    const isDone = composing?.kind === "reply" && composing.message.id === replyTo?.id;
    if (isDone && this.drafts.peek(place) === "") this.compose(null);
  }

  /** Another tab has started or ended a reply or an edit. Not while the reader writes something here. */
  #followComposing(id: string): void {
    if (this.core.now.openId !== id || this.drafts.isWritten(id)) return;
    this.core.state.setState({ composing: this.drafts.openComposing(id) });
  }

  /** Pins a message, or unpins it. */
  pin({ conversationId, id, pinned = false }: Message): void {
    void this.change(conversationId, { kind: "pin", messageId: id, isPinned: !pinned });
  }

  /** Saves a message for later, or removes it from the saved ones. */
  async save({ id, conversationId }: Message, saved: boolean): Promise<void> {
    const { saved: list } = this;
    await this.core.attempt<unknown>(() => (saved ? list.save(id) : list.remove(conversationId, id)));
  }

  /** Removes the previews of the links in the reader's own message, for everyone. */
  async removePreviews(messageId: string): Promise<void> {
    await this.core.attempt(() => this.core.api.delete(`messages/${encodeURIComponent(messageId)}/previews`));
  }

  delete({ conversationId, id }: Message): void {
    void this.change(conversationId, { kind: "delete", messageId: id });
  }

  /** Adds a reaction, or removes the reader's own. */
  react({ conversationId, id, reactions = [] }: Message, emoji: string): void {
    const isGiven = reactions.some((each) => each.emoji === emoji && each.userIds.includes(this.core.now.me.id));
    void this.change(conversationId, { kind: "react", messageId: id, emoji, isGiven: !isGiven });
  }

  /** A message came to the open conversation while the reader was elsewhere in it, or in another window. */
  #arrivedUnwatched({ conversationId, seq }: Message): void {
    const { unread, conversations } = this.core.now;
    const wasRead = (own(conversations, conversationId)?.unreadCount ?? 0) <= 1;
    const known = wasRead ? null : unread;
    this.core.state.setState({ unread: { after: known?.after ?? seq - 1, count: (known?.count ?? 0) + 1 } });
  }

  /** Whether the messages after a `seq` are loaded. */
  #hasLoaded(id: string, seq: number): boolean {
    const timeline = own(this.core.now.timelines, id);
    return timeline !== undefined && (timeline.atStart || (timeline.messages[0]?.seq ?? seq + 2) <= seq + 1);
  }

  /** Loads the messages where the reader was, otherwise where the unread messages start. */
  async #reopen(id: string, readSeq: number | null): Promise<void> {
    const timeline = own(this.core.now.timelines, id);
    const anchor = this.anchors.get(id);
    if (anchor === null) {
      const isLoaded = timeline?.atEnd === true && (readSeq === null || this.#hasLoaded(id, readSeq));
      return isLoaded ? undefined : this.pages.open(id, readSeq);
    }
    if (timeline?.messages.some((message) => message.id === anchor.messageId)) return;
    try {
      await this.pages.around(id, anchor.messageId);
    } catch (error) {
      if (error instanceof RequestError && error.isTransient) throw error;
      // It was deleted, or the reader may not see it any more.
      this.anchors.set(id, null);
      await this.pages.open(id, readSeq);
    }
  }

  /**
   * Scrolls to a message. Returns whether the list has gone there: not for a reply, which opens its thread, and not for a
   * message that does not exist, which shows a notice.
   */
  async #goTo(id: string, messageId: string): Promise<boolean> {
    const isHere = own(this.core.now.timelines, id)?.messages.some((message) => message.id === messageId) === true;
    const target = { messageId };
    if (this.core.now.openId === id) this.core.state.setState({ target });
    try {
      if (!isHere) {
        const message = await this.core.api.get<Message>(`messages/${encodeURIComponent(messageId)}`);
        if (message.threadId !== undefined && message.conversationId === id) {
          this.targetReached(target);
          this.#showReply(message, message.threadId);
          return false;
        }
        await this.pages.around(id, messageId);
      }
    } catch (error) {
      const isGone = error instanceof RequestError && !error.isTransient;
      this.targetReached(target);
      this.core.state.setState({ notice: isGone ? texts.messageNotFound : (error as Error).message });
      return false;
    }
    this.#showTarget(id, messageId);
    return true;
  }

  /** Says when the message that the reader went to was deleted. */
  #showTarget(id: string, messageId: string): void {
    const found = own(this.core.now.timelines, id)?.messages.find((message) => message.id === messageId);
    this.core.inform(found?.deletedAt === undefined ? "" : texts.deleted);
  }

  /** Opens a reply in its thread, unless the reader has opened something else. */
  #showReply({ id, conversationId, deletedAt }: Message, rootId: string): void {
    if (this.core.now.openId !== conversationId) return;
    this.core.inform(deletedAt === undefined ? "" : texts.deleted);
    this.core.state.setState({ panel: { kind: "thread", rootId, messageId: id } });
  }
}

/** Whether a message stands for an entry of the outbox. */
const isUnsent = ({ id, clientMessageId }: Message): boolean => id === clientMessageId;

/** Whether a message has a row of its own, and comes after a `seq`. */
const isRowAfter = (message: Message, seq: number): boolean => message.seq > seq && message.threadId === undefined;

/** The list loads a failed page again when it comes into sight, or when the connection is back. */
async function ignoreFailure(loading: Promise<void>): Promise<void> {
  await loading.catch(() => undefined);
}
