/** One conversation, as an application uses it. */

import type { AskOptions } from "./cards/asking.ts";
import type { Client } from "./client.ts";
import { Emitter } from "./emitter.ts";
import { checkFile, type NativeFile } from "./files/native_file.ts";
import type { PendingFile } from "./files/upload_queue.ts";
import { atComposer, placeOf } from "./files/uploads.ts";
import { given } from "./given.ts";
import { editOf, type MessageEdit } from "./messages/changes.ts";
import { contentOf, type MessagePart, textOrParts } from "./messages/message_parts.ts";
import { type Timeline, trimmed } from "./messages/timeline.ts";
import type { OutboxEntry } from "./outbox/outbox.ts";
import { own } from "./own.ts";
import { type Typist, typistsIn } from "./people/typing.ts";
import type { WorkingAgent } from "./people/working.ts";
import { randomId } from "./platform.ts";
import type {
  AskedCard,
  Commands,
  Conversation,
  CustomSignal,
  GeneratedBody,
  Member,
  MemberRole,
  Message,
  MessageRated,
  Rating,
  Receipt,
  SeenCard,
  ThreadAnswer,
  Version,
} from "./server/payloads.ts";
import { RequestError } from "./server/request_error.ts";
import type { MessageStream, StreamOptions } from "./streams/message_stream.ts";

/** What happens in a conversation. */
export interface RoomEvents {
  /** A message arrived, the reader's own ones included. */
  message: Message;
  /** Somebody starts or stops typing: everybody who is typing now, without the reader. */
  typing: readonly Typist[];
  /** An agent starts or stops to work on an answer, or does something else: all agents that work now. */
  working: readonly WorkingAgent[];
  /** A custom signal arrived: of another member, another device of the reader, or the back end. */
  signal: CustomSignal;
  /** A message of an agent was rated: the reader rated it, wrote it, or owns the agent. */
  rated: MessageRated;
  /** Anything that this object shows has changed. */
  change: Room;
}

/** What a message may have beside its text. */
export interface SendOptions {
  /** The id of the message that it replies to. */
  readonly replyTo?: string;
  /** The id of the first message of the thread that it belongs to. */
  readonly threadId?: string;
  /** At most 20 files. They are uploaded first, and continue after a reload. */
  readonly files?: readonly (File | NativeFile)[];
  /**
   * Stores the message only if this is the `seq` of the conversation's newest message when it arrives there. Otherwise it
   * is refused as `conflict`, and `error.changed` has what has come.
   */
  readonly ifLastSeq?: number;
  /** Stores the message only if this user handles the conversation, or nobody for null. Otherwise as with `ifLastSeq`. */
  readonly ifHandler?: string | null;
  /** Makes a retry by the application safe: messages with the same id are stored once. */
  readonly clientMessageId?: string;
  /** How an agent wrote it: the name of the `model`. For agents only. */
  readonly generated?: GeneratedBody;
  /** The id of the agent's owner, in whose name it writes. For agents only. */
  readonly onBehalfOf?: string;
  /** The parts of the message instead of a text, which is empty then. */
  readonly parts?: readonly MessagePart[];
}

/** A message that is not sent yet, or that the server has refused. */
export interface PendingMessage {
  readonly clientMessageId: string;
  readonly content: string;
  /** Its parts, if it was sent with parts. */
  readonly parts?: readonly MessagePart[];
  readonly replyTo: string | null;
  readonly threadId: string | null;
  readonly createdAt: Date;
  /** Its files, with their progress. */
  readonly files: readonly PendingFile[];
  /** Why it was refused; null while it waits to be sent. */
  readonly error: RequestError | null;
}

/** What a conversation may be changed to. */
export type ConversationChanges = Omit<Commands["conversation:update"]["payload"], "conversationId">;

/** At most this many messages are kept in memory, when new ones arrive. */
const KEPT_MAX = 1_000;

const NO_MESSAGES: readonly Message[] = [];
const NO_MEMBERS: readonly Member[] = [];

/** A conversation. `Talkwire.conversation` returns it, and loads its newest messages. */
export class Room {
  readonly id: string;
  readonly #client: Client;
  /** Whether a message waits until the server has said who the user is. */
  #hasToWait = false;
  readonly #identified: Promise<unknown>;
  readonly #events = new Emitter<RoomEvents>();
  readonly #stops: (() => void)[] = [];
  #loading: Promise<void> | undefined;
  /** The newest `seq` for which newer messages were requested: not all of them can be seen by everybody. */
  #followedTo = 0;
  #pending: readonly PendingMessage[] = [];
  #working: readonly WorkingAgent[] = [];
  #error: RequestError | null = null;
  /** Whether this connection has joined the conversation, which only one that is not in the reader's list needs. */
  #isJoined = false;

  /** @internal */
  constructor(id: string, client: Client, identified: Promise<unknown>) {
    this.id = id;
    this.#client = client;
    this.#identified = identified;
    const { core, typing, messages, uploads } = client;
    this.#stops.push(
      core.state.subscribe((now, before) => {
        const isNewTimeline = own(now.timelines, id) !== own(before.timelines, id);
        if (now.connected && !before.connected) {
          if (this.#timeline === undefined) void this.#loadNewest();
          // One that is not in the reader's list is not reloaded with the list.
          else if (this.info === undefined) void this.#client.conversations.load(id);
        }
        // A refusal says that the reader has lost the conversation; after one, they may be a member again.
        const isLost = own(before.timelines, id) !== undefined && this.#timeline === undefined;
        const isBack = this.#error !== null && own(before.conversations, id) === undefined && this.info !== undefined;
        if (now.connected && before.connected && (isLost || isBack)) void this.#loadNewest();
        if (!now.connected) this.#isJoined = false;
        this.#join();
        if (isNewTimeline || now.connected !== before.connected) this.#follow();
        if (isNewTimeline || own(now.conversations, id) !== own(before.conversations, id) || now.me !== before.me)
          this.#changed();
      }),
      typing.state.subscribe((now, before) => {
        if (typistsIn(now, id) === typistsIn(before, id)) return;
        this.#events.emit("typing", this.typing);
        this.#changed();
      }),
      messages.outbox.subscribe(() => this.#renewPending()),
      uploads.state.subscribe(() => this.#renewPending()),
    );
    this.#renewPending();
    if (core.now.connected) void this.#loadNewest();
  }

  /** Calls `handler` each time. Returns a function that ends this. */
  on<Name extends keyof RoomEvents>(name: Name, handler: (payload: RoomEvents[Name]) => void): () => void {
    this.#events.on(name, handler);
    this.#join();
    return () => this.off(name, handler);
  }

  off<Name extends keyof RoomEvents>(name: Name, handler: (payload: RoomEvents[Name]) => void): void {
    this.#events.off(name, handler);
    this.#join();
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  /** The loaded messages, the oldest first: the newest ones of the conversation, without gaps. */
  get messages(): readonly Message[] {
    return this.#timeline?.messages ?? NO_MESSAGES;
  }

  /** The messages that are not sent yet, the oldest first. */
  get pending(): readonly PendingMessage[] {
    return this.#pending;
  }

  /** Name, picture, kind, rules and counts; undefined until it is loaded. */
  get info(): Conversation | undefined {
    return own(this.#client.core.now.conversations, this.id);
  }

  /** The members; empty until `loadMembers` has loaded them. */
  get members(): readonly Member[] {
    return this.info?.members ?? NO_MEMBERS;
  }

  /** Who is typing, without the reader. */
  get typing(): readonly Typist[] {
    return typistsIn(this.#client.typing.state.getState(), this.id);
  }

  /** The agents that work on an answer, with what they are doing, until they write it. */
  get working(): readonly WorkingAgent[] {
    return this.#working;
  }

  get unreadCount(): number {
    return this.info?.unreadCount ?? 0;
  }

  /** Whether the newest messages are loaded. */
  get isLoaded(): boolean {
    return this.#timeline !== undefined;
  }

  /** Whether there are older messages than those that are loaded. */
  get hasOlder(): boolean {
    return this.#timeline?.atStart === false;
  }

  /** Why the messages could not be loaded; null if they were, or while the server cannot be reached. */
  get error(): RequestError | null {
    return this.#error;
  }

  /** Resolves when the newest messages are loaded, and rejects when they may not be read. */
  async load(): Promise<void> {
    if (this.isLoaded) return;
    await new Promise<void>((resolve, reject) => {
      const check = (): boolean => {
        if (!this.isLoaded && this.#error === null) return false;
        if (this.#error === null) resolve();
        else reject(this.#error);
        return true;
      };
      if (check()) return;
      const stop = this.on("change", () => {
        if (check()) stop();
      });
    });
  }

  /** Loads a page of older messages in front of those that are loaded. Rejects with `RequestError`. */
  async loadOlder(): Promise<void> {
    await this.#client.messages.loadOlder(this.id);
  }

  /** Loads the members, and keeps them up to date from then on. */
  async loadMembers(): Promise<readonly Member[]> {
    if (this.info?.members === undefined) await this.#client.conversations.load(this.id);
    return this.members;
  }

  /** Marks all messages as read. Nothing else does. Rejects with `RequestError`. */
  async markRead(): Promise<void> {
    if (this.isLoaded) await this.#client.messages.markRead(this.id);
    else await this.#client.conversations.markRead(this.id);
  }

  /** Marks everything from a message on as unread, by default from another user's newest message. */
  async markUnread(messageId?: string): Promise<void> {
    await this.#client.messages.markUnread(this.id, messageId);
  }

  /**
   * Returns a thread: its first message, its newest replies, and whether the reader follows it. `before`: the `next` of
   * another page. Rejects with `RequestError`.
   */
  thread(messageId: string, before?: string): Promise<ThreadAnswer> {
    const where = before === undefined ? "" : `&before=${before}`;
    return this.#client.core.rest.get<ThreadAnswer>(
      `messages/${encodeURIComponent(messageId)}/thread?limit=50${where}`,
    );
  }

  /** Marks a thread that the reader follows as read. */
  async markThreadRead(messageId: string): Promise<void> {
    await this.#call("thread:read", { messageId });
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /**
   * Sends a message, and returns it when the server has stored it. While the server cannot be reached, the message
   * waits, also in a page that is loaded again. It is stored exactly once, after the messages that were sent before it.
   *
   * Rejects with `RequestError` when the server refuses it, or when it cannot be queued. A refused one is in `pending`
   * until it is retried or discarded.
   */
  async send(content: string, options: SendOptions = {}): Promise<Message> {
    try {
      return await this.#send(content, options);
    } catch (error) {
      if (error instanceof RequestError) throw error;
      const { message } = error as Error;
      throw new RequestError({
        code: "not_queued",
        message: `The message cannot be queued: ${message}`,
        details: error,
      });
    }
  }

  async #send(content: string, options: SendOptions): Promise<Message> {
    const {
      replyTo,
      threadId,
      files = [],
      ifLastSeq,
      ifHandler,
      clientMessageId,
      generated,
      onBehalfOf,
      parts,
    } = options;
    for (const [index, file] of files.entries()) checkFile(file, `files[${index}]`);
    const { now, rest } = this.#client.core;
    // Without the user's id no file can be stored, and without a token that names the user no message either. Messages
    // after one that has to wait keep their order.
    if (now.me.id === "" && (files.length > 0 || rest.unconfirmedUserId === "")) this.#hasToWait = true;
    if (now.me.id === "" && this.#hasToWait) await this.#identified;
    const attachments = files.length === 0 ? [] : this.#addFiles(files, threadId);
    this.#client.typing.sent(this.id);
    return this.#client.messages.deliver({
      conversationId: this.id,
      content: parts === undefined ? content : contentOf(parts),
      attachments,
      ...given({ replyToId: replyTo, threadId, ifLastSeq, ifHandler, clientMessageId, generated, onBehalfOf, parts }),
    });
  }

  /**
   * Opens a message that is written while others read it, and returns what writes it. For agents, and for others where the
   * server allows it. Waits while the server cannot be reached. Rejects with `RequestError`.
   */
  async stream({ replyTo, ...options }: StreamOptions = {}): Promise<MessageStream> {
    await this.#identified;
    const { openStream } = await import("./streams/message_stream.ts");
    const payload = {
      conversationId: this.id,
      clientMessageId: randomId(),
      ...options,
      ...given({ replyToId: replyTo }),
    };
    return openStream(this.#client.core, payload, (part) => this.#client.add(part));
  }

  /**
   * Asks the members to decide, by a message with a card, and returns the card once the decision has ended: see
   * `outcome` and `actionId`. Waits as long as that takes, also while the server cannot be reached. A program that was
   * restarted continues to wait if it gives the same card and `clientMessageId`. Rejects with `RequestError`: a refusal, or
   * `closed` if the client was closed; or with the reason of `signal`.
   */
  async ask(card: AskedCard, options: AskOptions = {}): Promise<SeenCard> {
    const { ask } = await import("./cards/asking.ts");
    return ask(this.#client, this.#identified, this.id, card, options);
  }

  /** Asks the author of a message that is being written to stop. Rejects with `RequestError`. */
  async stop(messageId: string): Promise<void> {
    await this.#call("message:stop", { messageId });
  }

  /**
   * Tries again to send a message that the server refused: one with `ifLastSeq` or `ifHandler` without them, if it was refused because
   * something new has come.
   */
  retry(clientMessageId: string): void {
    for (const { id, problem } of this.pending.find((each) => each.clientMessageId === clientMessageId)?.files ?? [])
      if (problem !== null) this.#client.uploads.resume(id);
    this.#client.messages.retry(clientMessageId);
  }

  /** Removes a message that is not sent yet. */
  discard(clientMessageId: string): void {
    this.#client.messages.discard(clientMessageId);
  }

  /**
   * Edits a message of the reader: its text, or what a {@link MessageEdit} sets. This method and those below reject with
   * `RequestError`.
   */
  async edit(messageId: string, change: string | MessageEdit): Promise<void> {
    await this.#call("message:edit", {
      messageId,
      ...editOf(typeof change === "string" ? { content: change } : change),
    });
  }

  /** Deletes a message. */
  async delete(messageId: string): Promise<void> {
    await this.#call("message:delete", { messageId });
  }

  /** Adds a reaction to a message: an emoji. */
  async react(messageId: string, emoji: string): Promise<void> {
    await this.#call("message:react", { messageId, emoji });
  }

  /** Removes a reaction of the reader. */
  async unreact(messageId: string, emoji: string): Promise<void> {
    await this.#call("message:unreact", { messageId, emoji });
  }

  /**
   * Rates a message of an agent, and replaces an earlier rating of the reader; 0 takes it back. `comment`: why, in up to
   * 1,000 characters.
   */
  async rate(messageId: string, rating: 1 | -1 | 0, comment?: string): Promise<Rating> {
    const payload = { messageId, rating, ...given({ comment }) };
    const { success: _, ...now } = await this.#client.core.call("message:rate", payload);
    return now;
  }

  /** Returns the reader's rating of a message of an agent, and for those who see it, how many have rated it up and down. */
  rating(messageId: string): Promise<Rating> {
    return this.#client.core.rest.get<Rating>(`messages/${encodeURIComponent(messageId)}/rating`);
  }

  async pin(messageId: string): Promise<void> {
    await this.#call("message:pin", { messageId });
  }

  async unpin(messageId: string): Promise<void> {
    await this.#call("message:unpin", { messageId });
  }

  /** Forwards a message to other conversations. */
  async forward(messageId: string, conversationIds: readonly string[]): Promise<void> {
    await this.#client.messages.forward(messageId, conversationIds);
  }

  /** Returns who has received and read a message. */
  receipts(messageId: string): Promise<Receipt[]> {
    return this.#client.messages.receipts(messageId);
  }

  /** Returns the versions of a message that was edited, the newest last. */
  versions(messageId: string): Promise<Version[]> {
    return this.#client.messages.versions(messageId);
  }

  /** Shows others that the reader is typing. Call it at every key: it sends something every few seconds. */
  startTyping(): void {
    this.#client.typing.type(this.id);
  }

  /** Shows others that the reader has stopped typing. A message that is sent does so, too. */
  stopTyping(): void {
    this.#client.typing.stop(this.id);
  }

  /**
   * Sends a signal of the application's own to the members who are connected. It is not stored, and may be lost. `name`:
   * 1 to 64 of the characters a-z, A-Z, 0-9, `.`, `_`, `:` and `-`. `data`: JSON of at most 4 KiB. Rejects with
   * `RequestError`.
   */
  async signal(name: string, data?: unknown): Promise<void> {
    await this.#call("signal:send", { conversationId: this.id, name, ...given({ data }) });
  }

  // --- the conversation ---------------------------------------------------------------------------------------------

  /** Changes the name, the picture or the rules. */
  async update(changes: ConversationChanges): Promise<void> {
    await this.#call("conversation:update", { conversationId: this.id, ...changes });
  }

  async addMembers(userIds: readonly string[]): Promise<void> {
    await this.#call("member:add", { conversationId: this.id, userIds });
  }

  async removeMember(userId: string): Promise<void> {
    await this.#call("member:remove", { conversationId: this.id, userId });
  }

  async setRole(userId: string, role: MemberRole): Promise<void> {
    await this.#call("member:update", { conversationId: this.id, userId, role });
  }

  /** Joins a public group or channel. */
  join(): Promise<void> {
    return this.addMembers([this.#client.core.now.me.id]);
  }

  leave(): Promise<void> {
    return this.removeMember(this.#client.core.now.me.id);
  }

  /** Deletes the conversation with all its messages, for everybody. */
  async deleteConversation(): Promise<void> {
    await this.#call("conversation:delete", { conversationId: this.id });
  }

  /** @internal Forgets the loaded messages. */
  close(): void {
    for (const stop of this.#stops) stop();
    this.#events.clear();
    this.#join();
    const { [this.id]: _, ...timelines } = this.#client.core.now.timelines;
    this.#client.core.state.setState({ timelines });
  }

  /** @internal Agents work now, or no longer. */
  works(agents: readonly WorkingAgent[]): void {
    this.#working = agents;
    this.emit("working", agents);
    this.#changed();
  }

  /** @internal */
  emit<Name extends keyof RoomEvents>(name: Name, payload: RoomEvents[Name]): void {
    this.#events.emit(name, payload);
  }

  /**
   * Joins a conversation that is not in the reader's list while somebody follows it, so that its typing and signals
   * arrive. Without a reply the next connection joins.
   */
  #join(): void {
    const { core } = this.#client;
    const wants = this.#events.hasHandlers;
    if (this.info?.listed !== false || !core.now.connected || wants === this.#isJoined) return;
    this.#isJoined = wants;
    core.call(wants ? "conversation:join" : "conversation:leave", { conversationId: this.id }).catch(() => undefined);
  }

  get #timeline(): Timeline | undefined {
    return own(this.#client.core.now.timelines, this.id);
  }

  async #call<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): Promise<void> {
    await this.#client.core.call(name, payload);
  }

  #addFiles(files: readonly (File | NativeFile)[], threadId: string | undefined): string[] {
    const { uploads } = this.#client;
    const place = placeOf(this.id, threadId);
    const ids = uploads.add(place, files);
    if (ids.length === files.length) return ids;
    for (const id of ids) uploads.remove(id);
    const waiting = atComposer(uploads.state.getState(), place).length;
    throw new RequestError({
      code: "invalid_request",
      message: `A message has at most 20 files; ${files.length + waiting} were given.`,
    });
  }

  /** Loads the newest page. The next connection tries again when this one is lost. */
  #loadNewest(): Promise<void> {
    this.#loading ??= this.#client.messages
      .loadNewest(this.id)
      .then(
        () => this.#setError(null),
        (error: RequestError) => this.#setError(error.isTransient ? null : error),
      )
      .finally(() => {
        this.#loading = undefined;
      });
    if (this.info === undefined) void this.#client.conversations.load(this.id);
    return this.#loading;
  }

  /** Keeps the newest messages loaded: an event that would have left a gap was not added. */
  #follow(): void {
    const { messages, core } = this.#client;
    const timeline = this.#timeline;
    if (timeline === undefined || !core.now.connected || messages.isLoading(this.id)) return;
    const lastSeq = Math.max(this.info?.lastSeq ?? 0, (timeline.messages.at(-1)?.seq ?? 0) + (timeline.atEnd ? 0 : 1));
    if (lastSeq > (timeline.messages.at(-1)?.seq ?? 0) && lastSeq > this.#followedTo) {
      this.#followedTo = lastSeq;
      void this.#loadNewest();
    } else if (timeline.messages.length > KEPT_MAX) {
      core.state.setState(({ timelines }) => ({ timelines: { ...timelines, [this.id]: trimmed(timeline, "oldest") } }));
    }
  }

  #setError(error: RequestError | null): void {
    if (error !== this.#error) {
      this.#error = error;
      this.#changed();
    }
    this.#follow();
  }

  #renewPending(): void {
    const entries = this.#client.messages.outbox.getState().filter(({ conversationId }) => conversationId === this.id);
    if (entries.length === 0 && this.#pending.length === 0) return;
    const files = this.#client.uploads.state.getState();
    this.#pending = entries.map((entry) => pendingMessage(entry, files));
    this.#changed();
  }

  #changed(): void {
    this.#events.emit("change", this);
  }
}

function pendingMessage(entry: OutboxEntry, files: readonly PendingFile[]): PendingMessage {
  const { clientMessageId, content, replyToId, threadId = null, writtenAt } = entry;
  const own = files.filter(({ entryId }) => entryId === clientMessageId);
  const refused = [entry, ...own].find(({ problem }) => problem !== null);
  return {
    clientMessageId,
    content,
    replyTo: replyToId,
    ...(entry.parts !== undefined && textOrParts(content, entry.parts)),
    threadId,
    createdAt: new Date(writtenAt),
    files: own,
    error:
      refused === undefined
        ? null
        : new RequestError({
            code: refused.problemCode ?? "",
            message: refused.problem ?? "",
            details: refused.problemDetails,
          }),
  };
}
