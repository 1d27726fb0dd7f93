/** What is on the screen, and what changes it: the server's events and the reader's actions. Nothing of React is here. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Api } from "../server/api";
import { Connection } from "../server/connection";
import type { Conversation, Kind, Message, Presence, ServerEvents, State, User } from "../server/payloads";
import { IndexedLetterBox } from "./letter_box";
import { type Letter, Outbox } from "./outbox";
import { withReceipt } from "./receipts";
import { EMPTY, type Timeline, tombstone, withChanged, withNew, withNewer, withOlder } from "./timeline";
import { type Conversations, withConversation, withMessage } from "./unread";

export interface Typist {
  readonly userId: string;
  readonly name: string;
}

/** What the next text of the open conversation is: an answer to a message, or another text for it. */
export interface Composing {
  readonly kind: "reply" | "edit";
  readonly message: Message;
}

export interface ChatState {
  readonly me: User;
  readonly connected: boolean;
  /** Whether the conversations are here. */
  readonly loaded: boolean;
  readonly conversations: Conversations;
  /** Where the server's list of conversations goes on; null: all are here. */
  readonly nextConversations: string | null;
  readonly openId: string | null;
  /** Up to which `seq` the open conversation was read when it was opened; null when nothing was unread. */
  readonly unreadAfter: number | null;
  readonly timelines: Readonly<Record<string, Timeline>>;
  readonly letters: readonly Letter[];
  readonly composing: Composing | null;
  /** Why the last thing that the reader did was refused; empty when it was not. */
  readonly notice: string;
  readonly presence: Readonly<Record<string, Presence>>;
  /** The newest message of somebody else in the open conversation, for who cannot see it. */
  readonly announcement: string;
  /** Who types, by conversation. */
  readonly typing: Readonly<Record<string, readonly Typist[]>>;
}

type Handlers = { readonly [Name in keyof ServerEvents]?: (payload: ServerEvents[Name]) => void };

const TYPING_LASTS_MS = 6_000;
const TYPING_REPEAT_MS = 3_000;
const PAGE = 50;
/** Where more than this is unread, a conversation is opened at its end. */
const UNREAD_MAX = 1_000;

export class Chat {
  readonly state: StoreApi<ChatState>;
  /** Told when the session is over: a code. */
  onEnd: (reason: string) => void = () => undefined;
  readonly #api: Api;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #loading = new Set<string>();
  readonly #typingTimers = new Map<string, ReturnType<typeof setTimeout>>();
  #typingToldAt = 0;

  constructor(api: Api, me: User) {
    this.#api = api;
    this.state = createStore<ChatState>(() => ({
      me,
      connected: false,
      loaded: false,
      conversations: {},
      nextConversations: null,
      openId: null,
      unreadAfter: null,
      timelines: {},
      letters: [],
      composing: null,
      notice: "",
      presence: {},
      announcement: "",
      typing: {},
    }));
    this.#connection = new Connection(api, {
      opened: (recovered) => this.#opened(recovered),
      lost: () => this.#lost(),
      ended: (reason) => this.#ended(reason),
      told: (name, payload) => this.#handlers[name as keyof ServerEvents]?.(payload as never),
    });
    this.#outbox = new Outbox({
      userId: me.id,
      box: new IndexedLetterBox(),
      send: (letter) => this.#send(letter),
      changed: (letters) => this.state.setState({ letters }),
    });
  }

  start(): void {
    void this.#outbox.start();
    this.#connection.open();
  }

  stop(): void {
    this.#outbox.setOpen(false);
    this.#connection.close();
  }

  // --- what the reader does ------------------------------------------------------------------------------------------

  /** Shows a conversation; null: none. */
  async open(id: string | null): Promise<void> {
    const conversation = id === null ? undefined : this.#now.conversations[id];
    const unread = conversation?.unreadCount ?? 0;
    this.state.setState({
      openId: id,
      composing: null,
      notice: "",
      unreadAfter: unread > 0 ? (conversation?.readSeq ?? 0) : null,
    });
    // A list of conversations has no members, and so no cursors of theirs.
    if (id !== null && conversation?.members === undefined) void this.#loadConversation(id);
    if (id !== null && this.#now.timelines[id] === undefined) await this.#loadNewest(id);
  }

  async loadOlder(id: string): Promise<void> {
    const timeline = this.#now.timelines[id];
    const first = timeline?.messages[0];
    if (timeline === undefined || timeline.atStart || first === undefined) return;
    await this.#load(id, { before: first.id }, withOlder);
  }

  async loadNewer(id: string): Promise<void> {
    const timeline = this.#now.timelines[id];
    const last = timeline?.messages.at(-1);
    if (timeline === undefined || timeline.atEnd || last === undefined) return;
    await this.#load(id, { after: last.id }, withNewer);
  }

  async loadConversations(): Promise<void> {
    const cursor = this.#now.nextConversations;
    if (cursor === null || this.#loading.has("conversations")) return;
    this.#loading.add("conversations");
    try {
      const page = await this.#api.get<{ items: Conversation[]; next: string | null }>(
        `conversations?cursor=${encodeURIComponent(cursor)}`,
      );
      this.state.setState(({ conversations }) => ({
        conversations: { ...byId(page.items), ...conversations },
        nextConversations: page.next,
      }));
    } finally {
      this.#loading.delete("conversations");
    }
  }

  /** A new message, the answer to one, or another text for one, as the composer says. */
  async send(conversationId: string, content: string): Promise<void> {
    const { composing } = this.#now;
    this.#typingToldAt = 0;
    this.state.setState({ composing: null });
    if (composing?.kind === "edit") {
      await this.#attempt("message:edit", { messageId: composing.message.id, content });
    } else {
      await this.#outbox.add(conversationId, content, composing?.message.id ?? null);
    }
  }

  compose(composing: Composing | null): void {
    this.state.setState({ composing });
  }

  async delete(messageId: string): Promise<void> {
    await this.#attempt("message:delete", { messageId });
  }

  /** Gives a reaction, or takes it back. */
  async react({ id, reactions = [] }: Message, emoji: string): Promise<void> {
    const given = reactions.some((each) => each.emoji === emoji && each.userIds.includes(this.#now.me.id));
    await this.#attempt(given ? "message:unreact" : "message:react", { messageId: id, emoji });
  }

  /** What comes of it is told as an event; a refusal is shown. */
  async #attempt(event: string, payload: object): Promise<void> {
    try {
      await this.#connection.call(event, payload);
      this.state.setState({ notice: "" });
    } catch (error) {
      this.state.setState({ notice: (error as Error).message });
    }
  }

  retry(clientMessageId: string): void {
    void this.#outbox.retry(clientMessageId);
  }

  discard(clientMessageId: string): void {
    void this.#outbox.discard(clientMessageId);
  }

  /** Everything up to the newest message that is here has been on the screen. */
  async markRead(id: string): Promise<void> {
    const last = this.#now.timelines[id]?.messages.at(-1);
    const conversation = this.#now.conversations[id];
    if (last === undefined || conversation === undefined || (conversation.unreadCount ?? 0) === 0) return;
    const answer = await this.#connection.call<{ seq: number; unreadCount: number; mentionCount: number }>(
      "message:read",
      { conversationId: id, messageId: last.id },
    );
    const { seq: readSeq, unreadCount, mentionCount } = answer;
    this.#change(id, (before) => ({ ...before, readSeq, unreadCount, mentionCount }));
  }

  /** The reader types; told to others every few seconds. */
  type(conversationId: string): void {
    if (Date.now() - this.#typingToldAt < TYPING_REPEAT_MS) return;
    this.#typingToldAt = Date.now();
    this.#connection.tell("typing:start", { conversationId });
  }

  /** Opens a conversation with others and answers its id. Rejects with `Refused`. */
  async create(kind: Kind, memberIds: string[], name: string): Promise<string> {
    const payload = kind === "direct" ? { kind, memberIds } : { kind, memberIds, name };
    const { conversation } = await this.#connection.call<{ conversation: Conversation }>(
      "conversation:create",
      payload,
    );
    this.state.setState(({ conversations }) => ({
      conversations: { ...conversations, [conversation.id]: conversation },
    }));
    return conversation.id;
  }

  async findUsers(query: string): Promise<User[]> {
    const { items } = await this.#api.get<{ items: User[] }>(`users?query=${encodeURIComponent(query)}&limit=10`);
    return items.filter((user) => user.id !== this.#now.me.id);
  }

  // --- the connection ------------------------------------------------------------------------------------------------

  #opened(recovered: boolean): void {
    if (recovered && this.#now.loaded) this.#connected();
    else void this.#loadAll();
  }

  #connected(): void {
    this.state.setState({ connected: true });
    this.#outbox.setOpen(true);
  }

  #lost(): void {
    this.state.setState({ connected: false, typing: {} });
    this.#outbox.setOpen(false);
  }

  #ended(reason: string): void {
    this.stop();
    this.onEnd(reason);
  }

  /** What is here may be old: whatever was missed is not told. */
  async #loadAll(): Promise<void> {
    try {
      const { conversations, presence, next } = await this.#connection.call<State>("sync", {});
      const { openId } = this.#now;
      this.state.setState({
        conversations: byId(conversations),
        nextConversations: next ?? null,
        presence: Object.fromEntries(presence.map((each) => [each.userId, each])),
        timelines: {},
        loaded: true,
      });
      this.#connected();
      if (openId !== null) await Promise.all([this.#loadNewest(openId), this.#loadConversation(openId)]);
    } catch {
      // The connection went again, and when it is back all of this begins anew.
    }
  }

  /** The newest page, and as many before it as lead to where the unread begins. */
  async #loadNewest(id: string): Promise<void> {
    if (this.#loading.has(id)) return;
    this.#loading.add(id);
    const read = this.#now.unreadAfter ?? Number.POSITIVE_INFINITY;
    try {
      let timeline: Timeline = { ...EMPTY, atStart: false };
      do {
        const first = timeline.messages[0];
        const page = await this.#page(id, first === undefined ? {} : { before: first.id });
        timeline = withOlder(timeline, page.messages, page.hasMore);
      } while (
        !timeline.atStart &&
        (timeline.messages[0]?.seq ?? 0) > read + 1 &&
        timeline.messages.length < UNREAD_MAX
      );
      // What was sent meanwhile is loaded behind it.
      const atEnd = (timeline.messages.at(-1)?.seq ?? 0) >= (this.#now.conversations[id]?.lastSeq ?? 0);
      this.state.setState(({ timelines }) => ({ timelines: { ...timelines, [id]: { ...timeline, atEnd } } }));
    } catch {
      // When the connection is back, all of it begins anew.
    } finally {
      this.#loading.delete(id);
    }
  }

  #page(id: string, where: { before?: string; after?: string }): Promise<{ messages: Message[]; hasMore: boolean }> {
    return this.#connection.call("messages:list", { conversationId: id, limit: PAGE, ...where });
  }

  async #load(
    id: string,
    where: { before?: string; after?: string },
    add: (timeline: Timeline, page: readonly Message[], hasMore: boolean) => Timeline,
  ): Promise<void> {
    if (this.#loading.has(id)) return;
    this.#loading.add(id);
    try {
      const page = await this.#page(id, where);
      this.#changeTimeline(id, (timeline) => add(timeline, page.messages, page.hasMore));
    } catch {
      // It is asked for again when the place comes into sight.
    } finally {
      this.#loading.delete(id);
    }
  }

  async #send({ conversationId, content, clientMessageId, replyToId }: Letter): Promise<void> {
    const reply = replyToId === null ? {} : { replyToId };
    const payload = { conversationId, content, clientMessageId, ...reply };
    const { message } = await this.#connection.call<{ message: Message }>("message:send", payload);
    this.#arrived(message);
  }

  // --- what the server tells -----------------------------------------------------------------------------------------

  readonly #handlers: Handlers = {
    "message:new": (message) => this.#arrived(message),
    "message:updated": (message) => this.#changeMessage(message.conversationId, message.id, () => message),
    "message:deleted": ({ conversationId, messageId, deletedAt }) =>
      this.#changeMessage(conversationId, messageId, (message) => tombstone(message, deletedAt)),
    "message:reaction": ({ conversationId, messageId, reactions }) =>
      this.#changeMessage(conversationId, messageId, (message) => ({ ...message, reactions })),
    "conversation:new": ({ id }) => void this.#loadConversation(id),
    "conversation:updated": (told) =>
      this.state.setState(({ conversations }) => ({ conversations: withConversation(conversations, told) })),
    "conversation:deleted": ({ conversationId }) => this.#forget(conversationId),
    "conversation:unread": ({ conversationId, ...counts }) =>
      this.#change(conversationId, (before) => ({ ...before, ...counts })),
    "member:added": ({ conversationId }) => void this.#loadConversation(conversationId),
    "member:removed": ({ conversationId, userId }) => {
      if (userId === this.#now.me.id) this.#forget(conversationId);
      else void this.#loadConversation(conversationId);
    },
    "message:read:receipt": (told) =>
      this.#change(told.conversationId, (before) => withReceipt(before, "readSeq", told)),
    "message:delivered:receipt": (told) =>
      this.#change(told.conversationId, (before) => withReceipt(before, "deliveredSeq", told)),
    "typing:user": (told) => this.#typed(told),
    "presence:update": (told) =>
      this.state.setState(({ presence }) => ({ presence: { ...presence, [told.userId]: told } })),
    "user:updated": (user) => {
      if (user.id === this.#now.me.id) this.state.setState({ me: user });
    },
  };

  #arrived(message: Message): void {
    const { conversations, me } = this.#now;
    if (conversations[message.conversationId] === undefined) void this.#loadConversation(message.conversationId);
    this.state.setState({ conversations: withMessage(conversations, message, me.id) });
    this.#changeTimeline(message.conversationId, (timeline) => withNew(timeline, message));
    if (message.senderId === me.id && message.clientMessageId !== undefined) {
      this.#outbox.arrived(message.clientMessageId);
    }
    this.#stopTyping(message.conversationId, message.senderId);
    if (message.senderId !== me.id && message.conversationId === this.#now.openId) {
      this.state.setState({ announcement: `${message.sender.name}: ${message.content ?? ""}` });
    }
  }

  /** Answers have what events leave out: a direct one's name, the members, the counts. */
  async #loadConversation(id: string): Promise<void> {
    try {
      const conversation = await this.#api.get<Conversation>(`conversations/${encodeURIComponent(id)}`);
      this.state.setState(({ conversations }) => ({ conversations: { ...conversations, [id]: conversation } }));
    } catch {
      // Gone again, or not ours any more: an event says so.
    }
  }

  #typed({
    conversationId,
    userId,
    userName,
    isTyping,
  }: {
    conversationId: string;
    userId: string;
    userName: string;
    isTyping: boolean;
  }): void {
    this.#stopTyping(conversationId, userId);
    if (!isTyping) return;
    const key = `${conversationId} ${userId}`;
    this.#typingTimers.set(
      key,
      setTimeout(() => this.#stopTyping(conversationId, userId), TYPING_LASTS_MS),
    );
    this.state.setState(({ typing }) => ({
      typing: { ...typing, [conversationId]: [...(typing[conversationId] ?? []), { userId, name: userName }] },
    }));
  }

  #stopTyping(conversationId: string, userId: string): void {
    clearTimeout(this.#typingTimers.get(`${conversationId} ${userId}`));
    const typists = this.#now.typing[conversationId];
    if (typists?.some((typist) => typist.userId === userId) !== true) return;
    const left = typists.filter((typist) => typist.userId !== userId);
    this.state.setState(({ typing }) => ({ typing: { ...typing, [conversationId]: left } }));
  }

  // --- changing ------------------------------------------------------------------------------------------------------

  get #now(): ChatState {
    return this.state.getState();
  }

  #change(id: string, change: (before: Conversation) => Conversation): void {
    const before = this.#now.conversations[id];
    if (before === undefined) return;
    this.state.setState(({ conversations }) => ({ conversations: { ...conversations, [id]: change(before) } }));
  }

  #changeTimeline(id: string, change: (before: Timeline) => Timeline): void {
    const before = this.#now.timelines[id];
    if (before === undefined) return;
    const after = change(before);
    if (after !== before) this.state.setState(({ timelines }) => ({ timelines: { ...timelines, [id]: after } }));
  }

  #changeMessage(conversationId: string, messageId: string, change: (message: Message) => Message): void {
    this.#changeTimeline(conversationId, (timeline) => withChanged(timeline, messageId, change));
    this.#change(conversationId, (before) =>
      before.lastMessage?.id === messageId ? { ...before, lastMessage: change(before.lastMessage) } : before,
    );
  }

  #forget(id: string): void {
    this.state.setState(({ conversations, timelines, openId }) => {
      const { [id]: _, ...others } = conversations;
      const { [id]: __, ...otherTimelines } = timelines;
      return { conversations: others, timelines: otherTimelines, openId: openId === id ? null : openId };
    });
  }
}

function byId(conversations: readonly Conversation[]): Conversations {
  return Object.fromEntries(conversations.map((conversation) => [conversation.id, conversation]));
}
