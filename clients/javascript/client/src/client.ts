/** What every application of the library consists of: the parts, and what happens when the connection opens. */

import { type MissedEvents, uncountedBy } from "./catching_up.ts";
import { byId, ConversationStore } from "./conversations/conversation_store.ts";
import { newestFirst } from "./conversations/conversations_by_id.ts";
import { MuteEnds } from "./conversations/mute_ends.ts";
import { UnreadElsewhere } from "./conversations/unread_elsewhere.ts";
import type { ChatPart, Core, LoadedState } from "./core.ts";
import { Uploads } from "./files/uploads.ts";
import { Messages } from "./messages/messages.ts";
import { own } from "./own.ts";
import { People } from "./people/people.ts";
import { PresenceStore } from "./people/presence.ts";
import { Typing } from "./people/typing.ts";
import { pauseAfter } from "./server/pauses.ts";
import type { Message } from "./server/payloads.ts";
import { RequestError, UNREACHABLE } from "./server/request_error.ts";
import type { ClientStores } from "./storage/stores.ts";

/** How many conversations are marked as delivered after they were loaded: what a list shows at first. */
const CONFIRMED_MAX = 20;
/** Larger conversations have no delivery receipts. */
const MEMBERS_WITH_RECEIPTS = 100;

/** Parts that an application replaces or adds. */
export interface ClientOptions {
  readonly messages?: (uploads: Uploads) => Messages;
  readonly parts?: readonly ChatPart[];
  /** Called when everything was reloaded. */
  readonly onLoaded?: () => void;
  /** Called when missed events, or everything, could not be loaded. Another attempt follows by itself. */
  readonly onFailed?: (error: unknown) => void;
}

export class Client {
  /**
   * Called for a message of a conversation that is not loaded, while there are further ones in the reader's list. The
   * module of desks replaces this and `isUnlisted`, since members of teams receive messages of many that are not in it.
   */
  onUnloaded: (message: Message) => void = ({ conversationId }) => void this.conversations.load(conversationId);
  /** Whether a conversation that is not loaded is known not to be in the reader's list. */
  isUnlisted: (id: string) => boolean = () => false;
  /** Whether the session is over. */
  isStopped = false;
  readonly core: Core;
  readonly conversations: ConversationStore;
  readonly uploads: Uploads;
  readonly messages: Messages;
  readonly typing: Typing;
  readonly presence: PresenceStore;
  readonly people: People;
  readonly #unreadElsewhere: UnreadElsewhere;
  readonly #parts: ChatPart[];
  readonly #onLoaded: () => void;
  readonly #onFailed: (error: unknown) => void;
  /** Whether events were missed that are not handled yet. */
  #isBehind = true;
  /** What loads the missed events; null: nothing does. A new connection starts another one. */
  #attempt: object | null = null;
  #wake: () => void = () => undefined;
  /** While the server repeats missed events: the conversations whose unread counts they may have changed. */
  #uncounted: Set<string> | null = null;

  constructor(core: Core, stores: ClientStores, { messages, parts = [], onLoaded, onFailed }: ClientOptions = {}) {
    this.core = core;
    // Before all other listeners, which then see both changes at once.
    this.#unreadElsewhere = new UnreadElsewhere(core, (id) => this.isUnlisted(id));
    this.#onFailed = onFailed ?? (() => undefined);
    this.#onLoaded = onLoaded ?? (() => undefined);
    this.conversations = new ConversationStore(core);
    this.uploads = new Uploads(core, stores.uploads);
    this.messages = messages?.(this.uploads) ?? new Messages(core, this.uploads, stores.outbox);
    this.typing = new Typing(core);
    this.presence = new PresenceStore(core);
    this.people = new People(core, this.conversations);
    this.#parts = [this.presence, this.people, this.messages, this.uploads, this.typing];
    this.#parts.push(new MuteEnds(core, this.conversations), this.#unreadElsewhere, ...parts);
    core.on("message:new", (message) => {
      const { conversations, nextConversations } = core.now;
      const id = message.conversationId;
      if (own(conversations, id) !== undefined) return;
      if (this.conversations.wanted.has(id)) void this.conversations.load(id);
      else if (nextConversations !== null) this.onUnloaded(message);
    });
    core.onAny((name, payload) => {
      if (this.#uncounted === null) return;
      for (const id of uncountedBy(name, payload, core.now)) this.#uncounted.add(id);
    });
  }

  /** Adds parts before the client starts. */
  add(...parts: readonly ChatPart[]): void {
    this.#parts.push(...parts);
  }

  /** Removes a part that is needed no longer. */
  remove(part: ChatPart): void {
    const index = this.#parts.indexOf(part);
    if (index >= 0) this.#parts.splice(index, 1);
  }

  /** The user is known. */
  start(): void {
    for (const part of this.#parts) part.started?.();
  }

  stop(): void {
    this.#giveUp();
    this.isStopped = true;
    for (const part of [...this.#parts]) part.stopped?.();
    this.core.connection.close();
  }

  /** The connection is open; missed events follow if it is recovered. */
  opened(recovered: boolean): void {
    void this.core.rest.renewAddressToken();
    if (recovered && this.core.now.loaded && !this.#isBehind) void this.#followReplay();
    else void this.#catchUp();
  }

  lost(): void {
    this.#giveUp();
    this.#uncounted = null;
    this.core.growing.clear();
    this.core.state.setState({ connected: false, caughtUp: false });
    for (const part of this.#parts) part.lost?.();
  }

  #connected(caughtUp = true): void {
    this.core.state.setState({ connected: true, caughtUp });
    for (const part of this.#parts) part.connected?.();
  }

  #giveUp(): void {
    this.#attempt = null;
    this.#wake();
  }

  /** The server repeats what was missed, except unread counts. */
  async #followReplay(): Promise<void> {
    const uncounted = new Set<string>();
    this.#uncounted = uncounted;
    this.#connected(false);
    if (!(await this.#isReplayed(() => this.#uncounted === uncounted))) return;
    this.#uncounted = null;
    this.core.state.setState({ caughtUp: true });
    await this.#count(uncounted);
    await this.#confirmArrival();
  }

  /** Returns whether all missed events have come, as soon as they have; false when the connection is lost before. */
  async #isReplayed(isWanted: () => boolean): Promise<boolean> {
    for (let failures = 0; isWanted(); failures++) {
      try {
        // The server replies to a command after the last missed event.
        await this.core.call("presence:get", { userIds: [] });
        break;
      } catch (error) {
        if (!(error instanceof RequestError) || error.code !== UNREACHABLE) break;
        // On a slow network, the missed events take longer than a reply may.
        if (isWanted()) await this.#pause(pauseAfter(failures, error));
      }
    }
    return isWanted();
  }

  /** Handles the missed events, or reloads everything. Retries while the connection is open. */
  async #catchUp(): Promise<void> {
    this.#isBehind = true;
    const attempt = {};
    this.#attempt = attempt;
    const work = this.core.holdingEvents(async () => {
      const found = await this.#untilFound(() => this.#attempt === attempt);
      this.#isBehind = false;
      this.#attempt = null;
      // All of this happens at once: what is shown must not react to a part of it.
      if ("events" in found) this.#handle(found);
      else this.#replace(found);
      return found.cursor;
    });
    // The connection was lost again; the next one starts another attempt.
    await work.catch(() => undefined);
  }

  async #untilFound(isWanted: () => boolean): Promise<MissedEvents | LoadedState> {
    for (let failures = 0; ; failures++) {
      try {
        const found = (this.core.now.loaded ? await this.core.missedEvents() : null) ?? (await this.core.loadState());
        if (isWanted()) return found;
        throw new RequestError({ code: "superseded", message: "Another connection has been opened." });
      } catch (error) {
        if (!isWanted()) throw error;
        this.#onFailed(error);
        await this.#pause(pauseAfter(failures, error));
        if (!isWanted()) throw error;
      }
    }
  }

  #handle({ events, uncounted, presence }: MissedEvents): void {
    this.presence.replace(presence);
    for (const { event, data } of events) this.core.handleMissed(event, data);
    for (const part of this.#parts) part.caughtUp?.();
    this.#connected();
    void this.#count(uncounted);
    void this.#confirmArrival();
  }

  #replace({ conversations, presence, next }: LoadedState): void {
    for (const part of this.#parts) part.replacing?.();
    this.core.state.setState({ conversations: byId(conversations), nextConversations: next, loaded: true });
    this.presence.replace(presence);
    for (const part of this.#parts) part.loaded?.();
    this.#connected();
    this.#onLoaded();
    void this.#confirmArrival();
  }

  /**
   * Marks the newest unread messages as delivered that were loaded. The server does that itself only for the messages
   * that it sends to a connected client.
   */
  async #confirmArrival(): Promise<void> {
    const unread = newestFirst(this.core.now.conversations).filter(
      ({ unreadCount = 0, memberCount }) => unreadCount > 0 && memberCount <= MEMBERS_WITH_RECEIPTS,
    );
    try {
      for (const { id } of unread.slice(0, CONFIRMED_MAX)) {
        await this.core.call("message:delivered", { conversationId: id });
      }
    } catch {
      // The next time that the client connects, or when the messages are read.
    }
  }

  /** Loads conversations whose unread counts may have changed. */
  async #count(ids: Iterable<string>): Promise<void> {
    let isChanged = false;
    for (const id of ids) {
      if ((own(this.core.now.conversations, id)?.unreadCount ?? 0) === 0) continue;
      await this.conversations.load(id);
      isChanged = true;
    }
    if (isChanged) this.#unreadElsewhere.refresh();
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
}
