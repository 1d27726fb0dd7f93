/** Counts the unread messages of conversations that are not loaded, so that a total includes them. */

import type { ChatPart, Core } from "../core.ts";
import { own } from "../own.ts";
import { type ConversationsById, totalUnread } from "./conversations_by_id.ts";

/** Waits this long for further events before it asks the server. */
const PAUSE_MS = 300;
/** The longest pause while messages keep arriving during the requests. */
const PAUSE_MAX_MS = 60_000;

/** Events that may change what is unread in a conversation. */
const COUNTING: ReadonlySet<string> = new Set([
  "conversation:deleted",
  "conversation:listed",
  "conversation:new",
  "conversation:preferences",
  "conversation:unread",
  "member:added",
  "member:removed",
  "message:deleted",
  "message:new",
  "message:read:receipt",
  "message:updated",
]);

/**
 * Keeps `unreadElsewhere` of the state: the server's number of unread messages, less those of the loaded conversations.
 * Asks the server after each connect, and when something happens in a conversation that is not loaded; never while all
 * are loaded.
 */
export class UnreadElsewhere implements ChatPart {
  readonly #core: Core;
  readonly #isUnlisted: (id: string) => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pauseMs = PAUSE_MS;
  /** The request whose answer counts. */
  #request: object | null = null;

  /** `isUnlisted`: whether a conversation is known not to be in the reader's list, and so not in the total. */
  constructor(core: Core, isUnlisted: (id: string) => boolean) {
    this.#core = core;
    this.#isUnlisted = isUnlisted;
    core.state.subscribe((now, before) => {
      if (now.conversations !== before.conversations) this.#changed(now.conversations, before.conversations);
    });
    core.onAny((name, payload) => {
      if (COUNTING.has(name) && this.#isElsewhere(payload)) this.#schedule(PAUSE_MS);
      // What a block hides is counted in no event.
      if (name === "user:blocked" || name === "user:unblocked") this.#schedule(PAUSE_MS);
    });
  }

  connected(): void {
    this.refresh();
  }

  lost(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#request = null;
  }

  stopped(): void {
    this.lost();
  }

  /** Asks the server again: the counts of loaded conversations were wrong, and are right now. */
  refresh(): void {
    this.#pauseMs = PAUSE_MS;
    void this.#ask();
  }

  #isElsewhere(payload: unknown): boolean {
    const { conversationId, id: ofConversation } = payload as { conversationId?: string; id?: string };
    const id = conversationId ?? ofConversation ?? "";
    return own(this.#core.now.conversations, id) === undefined && !this.#isUnlisted(id);
  }

  #schedule(pauseMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#ask();
    }, pauseMs);
  }

  /** What the loaded page contains was counted as elsewhere until now. */
  #changed(now: ConversationsById, before: ConversationsById): void {
    if (this.#core.now.nextConversations === null) {
      this.#set(0);
      return;
    }
    const added = Object.entries(now).filter(([id]) => own(before, id) === undefined);
    if (added.length > 0) this.#set(this.#core.now.unreadElsewhere - totalUnread(Object.fromEntries(added)));
  }

  #set(count: number): void {
    const unreadElsewhere = Math.max(count, 0);
    if (unreadElsewhere !== this.#core.now.unreadElsewhere) this.#core.state.setState({ unreadElsewhere });
  }

  /**
   * Takes the server's number. If the loaded conversations change around the answer, it may or may not include that
   * change: then it asks again, with a longer pause each time.
   */
  async #ask(): Promise<void> {
    if (!this.#core.now.connected || this.#core.now.nextConversations === null) return;
    const request = {};
    this.#request = request;
    const before = totalUnread(this.#core.now.conversations);
    try {
      const { messages } = await this.#core.call("unread:get", {});
      if (this.#request !== request) return;
      const loaded = totalUnread(this.#core.now.conversations);
      if (this.#core.now.nextConversations !== null) this.#set(messages - loaded);
      setTimeout(() => this.#settle(request, before), PAUSE_MS);
    } catch {
      // A server of the version before does not know the command. After a lost connection, the next one asks.
    }
  }

  #settle(request: object, before: number): void {
    if (this.#request !== request) return;
    const isSure = totalUnread(this.#core.now.conversations) === before;
    this.#pauseMs = isSure ? PAUSE_MS : Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
    if (!isSure) this.#schedule(this.#pauseMs);
  }
}
