/** The chat of one user, as an application uses it. */

import { Client } from "./client.ts";
import type { NewConversation } from "./conversations/conversation_store.ts";
import { newestFirst, totalUnread } from "./conversations/conversations_by_id.ts";
import { type ClientState, Core } from "./core.ts";
import { Emitter } from "./emitter.ts";
import { own } from "./own.ts";
import type { PresenceEnds } from "./people/presence.ts";
import { teamsOf } from "./people/teams.ts";
import type { Working } from "./people/working.ts";
import { Room } from "./room.ts";
import { baseOf } from "./server/address.ts";
import { NOT_TALKWIRE, unreachableFor } from "./server/failure_reason.ts";
import { Outage } from "./server/outage.ts";
import { pauseAfter } from "./server/pauses.ts";
import type {
  ChatNotification,
  ChosenStatus,
  Commands,
  Conversation,
  CustomSignal,
  Message,
  MessageRated,
  Presence,
  Team,
  TeamUpdated,
  TurnFailed,
  TurnReady,
  TurnUnanswered,
  TurnWorking,
  User,
} from "./server/payloads.ts";
import { FINAL_CODES, RequestError, TOKEN_UNAVAILABLE, UNREACHABLE } from "./server/request_error.ts";
import type { Rest } from "./server/rest.ts";
import { TokenRest, type TokenSource } from "./server/token_rest.ts";
import { type ClientStores, indexedDbStores, MemoryStorage, storesIn, type TalkwireStorage } from "./storage/stores.ts";

/** Options of `new Talkwire`. */
export interface TalkwireOptions {
  /** The server's address, such as `https://chat.example.com`, with the path below which it is mounted. */
  readonly url: string;
  /**
   * The user's token, or a function that fetches one from your back end. The function is called again before the token
   * expires. A token that is given as a text cannot be renewed: the chat ends when it expires.
   */
  readonly token: TokenSource;
  /**
   * The user's id, if your application knows it. Then files, and messages of a user whose token is no JSON Web Token with
   * a `sub`, outlive a reload before the server could be reached for the first time.
   */
  readonly userId?: string;
  /**
   * Names this device, with the `deviceId` of its subscription to pushes: the server pushes nothing to a device that is
   * connected.
   */
  readonly deviceId?: string;
  /** Where messages wait until they are sent. Default: IndexedDB in browsers, memory elsewhere. */
  readonly storage?: TalkwireStorage;
}

/**
 * `connecting`: the first connection is being made. `online`: signed in, and everything is loaded. `offline`: not
 * connected; the client reconnects by itself after `connect`. `ended`: the server has refused the token or ended the
 * session, or `close` was called.
 */
export type TalkwireState = "connecting" | "online" | "offline" | "ended";

/** What happens in a chat. */
export interface TalkwireEvents {
  state: TalkwireState;
  /** The list of conversations, or something in it, has changed. */
  conversations: readonly Conversation[];
  /** A message arrived in any conversation, the user's own ones included. */
  message: Message;
  /** `unreadCount` has changed: the new number. */
  unread: number;
  /** A custom signal arrived in any conversation. */
  signal: CustomSignal;
  /** A message of an agent was rated, in any conversation: the user rated it, wrote it, or owns the agent. */
  rated: MessageRated;
  notification: ChatNotification;
  /** A team of the user was made, changed or deleted, or the user is in it from now on, or no longer. */
  team: TeamUpdated;
  /** A user's presence changed. */
  presence: Presence;
  /** A turn of the user, who is an agent, can be claimed. `turnsOf` of `@talkwire/client/turns` claims turns. */
  "turn:ready": TurnReady;
  /** A turn of an agent whose owner the user is, or of the user, has failed for good. */
  "turn:failed": TurnFailed;
  /** A turn of an agent whose owner the user is has been open for too long. */
  "turn:unanswered": TurnUnanswered;
  /** The server has ended the session: why. */
  ended: RequestError;
  /** Why the client is not connected has changed: see {@link Talkwire.reason}. */
  reason: RequestError | null;
  /**
   * The token function failed, with what it has thrown; it is called again by itself. Or the client has not connected for
   * three seconds, with a `RequestError`: once for each reason until it is connected. It continues to try.
   */
  error: unknown;
}

/** The chat of one user. */
export class Talkwire {
  readonly #rest: Rest;
  readonly #tokens: TokenRest | null;
  readonly #client: Client;
  readonly #rooms = new Map<string, Room>();
  readonly #events = new Emitter<TalkwireEvents>();
  readonly #identified: Promise<void>;
  #setIdentified: () => void = () => undefined;
  #isIdentified = false;
  /** Whether the application wants to be connected. */
  #isWanted = false;
  #connecting: Promise<void> | undefined;
  #state: TalkwireState = "offline";
  #problem: RequestError | null = null;
  readonly #outage: Outage;
  #conversations: readonly Conversation[] = [];
  #unreadCount = 0;
  #working: Working | undefined;
  #wake: () => void = () => undefined;
  /** Rejects what `connect` has returned. */
  #giveUp: (why: RequestError) => void = () => undefined;

  constructor(options: TalkwireOptions);
  /** @internal For a program that has put its client together itself, and connects it. */
  constructor(options: { readonly client: Client });
  constructor(options: TalkwireOptions | { readonly client: Client }) {
    this.#identified = new Promise((resolve) => {
      this.#setIdentified = resolve;
    });
    this.#outage = new Outage({
      changed: (reason) => this.#events.emit("reason", reason),
      noticed: (reason) => this.#events.emit("error", reason),
      unanswered: () => this.#unanswered(),
    });
    if ("client" in options) {
      this.#client = options.client;
      this.#rest = options.client.core.rest;
      this.#tokens = null;
      this.#isIdentified = true;
      this.#setIdentified();
      this.#client.core.state.subscribe(({ connected }, before) => {
        if (!connected && before.connected) this.#setState("offline");
      });
    } else {
      this.#tokens = tokensOf(options);
      this.#rest = this.#tokens;
      this.#client = this.#clientOf(options, this.#tokens);
    }
    this.#follow(this.#client.core);
    if (!this.#isIdentified && this.#client.core.now.me.id !== "") this.#identify();
  }

  /** Returns a client that this object connects. */
  #clientOf({ storage }: TalkwireOptions, rest: TokenRest): Client {
    rest.onTokenError = (error) => this.#events.emit("error", error);
    const core = new Core(rest, rest.user, {
      opened: (recovered) => this.#client.opened(recovered),
      unreachable: (why) => {
        this.#failed(why);
        this.#setState("offline");
      },
      refused: (why) => this.#failed(why),
      lost: (why) => {
        if (this.#isWanted) this.#outage.begin();
        this.#failed(unreachableFor(rest.base, `the connection was lost (${why})`));
        this.#setState("offline");
        this.#client.lost();
      },
      ended: (code) => this.#end(new RequestError({ code, message: "The server has ended the session." })),
    });
    globalThis.addEventListener?.("online", this.#online);
    return new Client(core, storesFor(rest.base, storage), { onFailed: (error) => this.#failed(error) });
  }

  // --- the connection -----------------------------------------------------------------------------------------------

  /**
   * Connects, and reconnects by itself from then on. Resolves when everything is loaded. Waits as long as the server
   * or the token function does not work, and rejects with `RequestError` only when the server refuses the token.
   */
  connect(): Promise<void> {
    if (this.#state === "ended") return Promise.reject(this.#problem ?? closedError());
    if (this.#state === "online") return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Disconnects until `connect` is called again. What is loaded stays. */
  disconnect(): void {
    this.#isWanted = false;
    this.#wake();
    this.#client.core.connection.pause();
    if (this.#state === "online") this.#client.lost();
    this.#outage.end();
    this.#setState("offline");
    this.#giveUp(new RequestError({ code: "disconnected", message: "The client was disconnected." }));
  }

  /** Disconnects for good. Messages that are not sent yet stay in the storage for the next start. */
  close(): void {
    this.#end(null);
  }

  /** Reconnects at once instead of waiting, for example when the network is back. Browsers' `online` event does it. */
  reconnectNow(): void {
    this.#wake();
    if (this.#isWanted) this.#client.core.connection.reconnectNow();
  }

  get state(): TalkwireState {
    return this.#state;
  }

  /**
   * Why the client is not connected, with the server's address, while `state` is `connecting` or `offline`. Null where no
   * attempt has failed, and after `disconnect`. While `ended`: why, or null after `close`.
   */
  get reason(): RequestError | null {
    return this.#problem ?? this.#outage.reason;
  }

  /** Calls `handler` each time. Returns a function that ends this. */
  on<Name extends keyof TalkwireEvents>(name: Name, handler: (payload: TalkwireEvents[Name]) => void): () => void {
    return this.#events.on(name, handler);
  }

  off<Name extends keyof TalkwireEvents>(name: Name, handler: (payload: TalkwireEvents[Name]) => void): void {
    this.#events.off(name, handler);
  }

  // --- conversations ------------------------------------------------------------------------------------------------

  /** The signed-in user; undefined until the server has said who it is. */
  get me(): User | undefined {
    return this.#isIdentified ? this.#client.core.now.me : undefined;
  }

  /** The loaded conversations, the one with the newest message or offer first. */
  get conversations(): readonly Conversation[] {
    return this.#conversations;
  }

  /** Whether there are more conversations than those that are loaded. */
  get hasMoreConversations(): boolean {
    return this.#client.core.now.nextConversations !== null;
  }

  /**
   * The number of unread messages in all conversations, also in those that are not loaded. In muted and archived
   * conversations only mentions count. A push has the same number as `badge`.
   */
  get unreadCount(): number {
    const { conversations, unreadElsewhere } = this.#client.core.now;
    return totalUnread(conversations) + unreadElsewhere;
  }

  /** Returns a conversation, and loads its newest messages. The same id returns the same object. */
  conversation(id: string): Room {
    const known = this.#rooms.get(id);
    if (known !== undefined) return known;
    const room = new Room(id, this.#client, this.#identified);
    this.#rooms.set(id, room);
    if (this.#working !== undefined) room.works(this.#working.in(id));
    return room;
  }

  /** Forgets the messages of a conversation that is not shown any more. `conversation` loads them again. */
  release(id: string): void {
    this.#rooms.get(id)?.close();
    this.#rooms.delete(id);
  }

  /** Loads the next page of conversations. Rejects with `RequestError`. */
  loadMoreConversations(): Promise<void> {
    return this.#client.conversations.loadMore();
  }

  /** Creates a conversation, or returns the direct one that exists. Rejects with `RequestError`. */
  async createConversation(wanted: NewConversation): Promise<Room> {
    return this.conversation(await this.#client.conversations.create(wanted));
  }

  /**
   * Returns the teams that the user is in, once the client has connected. Rejects with `RequestError`. For their desks see
   * `@talkwire/client/desk`.
   */
  async teams(): Promise<Team[]> {
    await this.#identified;
    return teamsOf(this.#client.core);
  }

  // --- people -------------------------------------------------------------------------------------------------------

  /** Finds users in whose names a word starts with a text. Rejects with `RequestError`. */
  findUsers(query: string): Promise<User[]> {
    return this.#client.conversations.findUsers(query);
  }

  /** Returns a user. Rejects with `RequestError`. */
  user(id: string): Promise<User> {
    return this.#client.people.get(id);
  }

  /** Returns the presence of a user who is a contact, or who is watched; undefined when it is not known. */
  presence(userId: string): Presence | undefined {
    return own(this.#client.presence.state.getState(), userId);
  }

  /** Follows the presence of a user who may be no contact. Returns a function that ends this. */
  watchPresence(userId: string): () => void {
    return this.#client.presence.watch(userId);
  }

  /**
   * Sets the user's status, and with `text` the status text. `statusUntil` is when `dnd` ends, `textUntil` when a new text
   * does. Rejects with `RequestError`.
   */
  setPresence(status: ChosenStatus, text?: string, ends?: PresenceEnds): Promise<void> {
    return this.#client.presence.set(status, text, ends);
  }

  /** Blocks a user: neither can message the other. Rejects with `RequestError`. */
  block(userId: string): Promise<void> {
    return this.#client.people.block(userId);
  }

  unblock(userId: string): Promise<void> {
    return this.#client.people.unblock(userId);
  }

  // --- everything else ----------------------------------------------------------------------------------------------

  /** Sends a command that this class has no method for (docs/events.md). Rejects with `RequestError`. */
  call<Name extends keyof Commands>(name: Name, payload: Commands[Name]["payload"]): Promise<Commands[Name]["reply"]> {
    return this.#client.core.call(name, payload);
  }

  /**
   * Sends a REST request: `path` is relative to `api/v1/`. It needs no connection, and fetches a token if there is none
   * yet. Rejects with `RequestError`.
   */
  async request<T>(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    const name = method.toLowerCase() as "get" | "post" | "put" | "patch" | "delete";
    await this.#tokens?.ready();
    return name === "get" ? this.#rest.get<T>(path) : this.#rest[name]<T>(path, body);
  }

  /**
   * Returns the address from which a browser loads a file or a picture of a message. The token in it opens files only,
   * and expires within a day, or earlier together with the token of the application. Call it when you are connected.
   */
  fileUrl(path: string): string {
    return this.#rest.authenticatedUrl(path);
  }

  /** @internal What modules of this package use that applications load by themselves. */
  get parts(): Client {
    return this.#client;
  }

  #follow(core: Core): void {
    core.state.subscribe((now, before) => {
      if (now.conversations !== before.conversations) {
        this.#conversations = newestFirst(now.conversations);
        this.#events.emit("conversations", this.#conversations);
      }
      if (now.conversations !== before.conversations || now.unreadElsewhere !== before.unreadElsewhere)
        this.#emitUnread();
      if (now.connected && !before.connected) this.#setState("online");
    });
    core.on("signal", (signal) => {
      this.#rooms.get(signal.conversationId)?.emit("signal", signal);
      this.#events.emit("signal", signal);
    });
    core.on("message:rated", (rated) => {
      this.#rooms.get(rated.conversationId)?.emit("rated", rated);
      this.#events.emit("rated", rated);
    });
    core.onAny((name, payload) => {
      if (name === "turn:working") void this.#works(payload as TurnWorking, core.now);
      else if (name.startsWith("turn:")) this.#events.emit(name as "turn:ready", payload as TurnReady);
    });
    core.on("notification", (notification) => this.#events.emit("notification", notification));
    core.on("team:updated", (change) => this.#events.emit("team", change));
    core.on("presence:update", (presence) => this.#events.emit("presence", presence));
    core.on("user:updated", (user) => {
      if (user.id === core.now.me.id) this.#setMe(user);
    });
    this.#client.messages.arrivalHandlers.push((message, { isNew }) => {
      if (!isNew) return;
      this.#rooms.get(message.conversationId)?.emit("message", message);
      this.#events.emit("message", message);
    });
  }

  /** `before`: the state when the signal arrived, since the module may have to be loaded. */
  async #works(signal: TurnWorking, before: ClientState): Promise<void> {
    const { followWorking } = await import("./people/working.ts");
    this.#working ??= followWorking(this.#client, (id, agents) => this.#rooms.get(id)?.works(agents));
    this.#working.received(signal, before);
  }

  #emitUnread(): void {
    const { unreadCount } = this;
    if (unreadCount === this.#unreadCount) return;
    this.#unreadCount = unreadCount;
    this.#events.emit("unread", unreadCount);
  }

  readonly #online = (): void => this.reconnectNow();

  async #connect(): Promise<void> {
    this.#isWanted = true;
    this.#outage.begin();
    if (this.#state !== "online") this.#setState("connecting");
    const online = this.#untilOnline();
    // The token's function and the server may fail at first, as long as they like.
    for (let failures = 0; this.#isWanted; failures++) {
      try {
        await this.#signIn();
        await this.#rest.renewAddressToken();
        if (this.#isWanted) this.#client.core.connection.open();
        break;
      } catch (error) {
        if (!(error instanceof RequestError) || FINAL_CODES.has(error.code)) {
          this.#end(error as RequestError);
          break;
        }
        this.#failed(error);
        if (this.#isWanted) this.#setState("offline");
        await this.#pause(pauseAfter(failures, error));
      }
    }
    await online;
  }

  /** Fetches a token, and asks the server whose it is. */
  async #signIn(): Promise<void> {
    await this.#tokens?.ready();
    if (this.#isIdentified && this.me?.createdAt !== "") return;
    const user = await this.#rest.get<User>("users/me");
    // Something else than the server has answered.
    if (typeof user?.id !== "string") throw unreachableFor(this.#rest.base, NOT_TALKWIRE);
    const { me } = this.#client.core.now;
    if (me.id !== "" && me.id !== user.id)
      throw new RequestError({
        code: "forbidden",
        message: `The token belongs to the user “${user.id}”, and not to “${me.id}”.`,
      });
    this.#setMe(user);
    if (!this.#isIdentified) this.#identify();
  }

  #setMe(user: User): void {
    this.#rest.rememberUser(user);
    this.#client.core.state.setState({ me: user });
  }

  #identify(): void {
    this.#isIdentified = true;
    this.#client.start();
    this.#setIdentified();
  }

  /** An attempt to connect failed, or a request without which the client is not online. */
  #failed(error: unknown): void {
    if (!this.#isWanted || !(error instanceof RequestError)) return;
    this.#outage.failed(withAddress(error, this.#rest.base));
  }

  #unanswered(): RequestError {
    if (this.#tokens?.isFetching)
      return new RequestError({ code: TOKEN_UNAVAILABLE, message: "The token function has not returned a token yet." });
    return unreachableFor(this.#rest.base, "it has not answered yet");
  }

  #untilOnline(): Promise<void> {
    const online = new Promise<void>((resolve, reject) => {
      const stop = this.on("state", (state) => {
        if (state === "online") settle(resolve);
      });
      const settle = (how: () => void): void => {
        stop();
        this.#giveUp = () => undefined;
        how();
      };
      this.#giveUp = (why) => settle(() => reject(why));
    });
    // It may be rejected while something else is awaited.
    online.catch(() => undefined);
    return online;
  }

  #end(problem: RequestError | null): void {
    if (this.#state === "ended") return;
    this.#isWanted = false;
    this.#problem = problem;
    this.#wake();
    globalThis.removeEventListener?.("online", this.#online);
    this.#outage.end();
    this.#setState("ended");
    this.#client.lost();
    this.#client.stop();
    this.#giveUp(problem ?? closedError());
    if (problem !== null) this.#events.emit("ended", problem);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #setState(state: TalkwireState): void {
    if (state === this.#state || this.#state === "ended") return;
    this.#state = state;
    if (state === "online") this.#outage.end();
    this.#events.emit("state", state);
  }
}

function tokensOf({ url, token, userId = "", deviceId }: TalkwireOptions): TokenRest {
  return new TokenRest(baseOf(url), token, { id: userId, name: userId, createdAt: "", kind: "person" }, deviceId);
}

function storesFor(base: string, storage: TalkwireStorage | undefined): ClientStores {
  if (storage !== undefined) return storesIn(storage);
  if (globalThis.indexedDB === undefined) return storesIn(new MemoryStorage());
  return indexedDbStores(`talkwire ${base}`, `talkwire-uploads ${base}`);
}

/** Returns a server's refusal with the server's address; other errors have it, or do not concern the server. */
function withAddress(error: RequestError, base: string): RequestError {
  const { code, message, details } = error;
  if (code === UNREACHABLE || code === TOKEN_UNAVAILABLE) return error;
  return new RequestError({ code, message: `The server ${base} refuses the connection: ${message}`, details });
}

const closedError = (): RequestError => new RequestError({ code: "closed", message: "The client was closed." });
