/**
 * Reports to the server what the reader has read: at once, and at most a few times a second. What was on the screen is
 * always reported, also after the reader has opened something else or the connection was lost.
 */

import type { Conversation, Message, User } from "../../server/payloads";
import { RequestError } from "../../server/request_error";
import type { Core } from "../core";
import { own } from "../own";

const PAUSE_MS = 300;

export class ReadReporter {
  readonly #core: Core;
  readonly #reporting = new Set<string>();
  /** By conversation: the newest message that was on the screen and is not reported yet. */
  readonly #seen = new Map<string, Message>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Marks everything up to the newest loaded message as read. Rejects with `RequestError`. */
  async markRead(id: string): Promise<void> {
    const { timelines, conversations, me } = this.#core.now;
    const last = own(timelines, id)?.messages.at(-1);
    const conversation = own(conversations, id);
    if (last === undefined || conversation === undefined || isAlreadyRead(conversation, last, me)) return;
    this.#seen.set(id, last);
    await this.#reportSeen(id);
  }

  /**
   * Marks everything from a message on as unread, by default from another user's newest message. An open conversation
   * stays unread until the reader leaves it. Rejects with `RequestError`.
   */
  async markUnread(id: string, messageId?: string): Promise<void> {
    const { state } = this.#core;
    const isOpen = this.#core.now.openId === id;
    this.#seen.delete(id);
    if (isOpen) state.setState({ keptUnread: id });
    try {
      const answer = await this.#core.call("conversation:mark-unread", {
        conversationId: id,
        ...(messageId === undefined ? {} : { messageId }),
      });
      const { seq: readSeq, unreadCount, mentionCount } = answer;
      this.#core.changeConversation(id, (before) => ({ ...before, readSeq, unreadCount, mentionCount }));
      if (this.#core.now.openId === id) state.setState({ unreadAfter: readSeq });
    } catch (error) {
      if (isOpen) this.clearKeptUnread();
      throw error;
    }
  }

  /** Stops keeping the open conversation unread. */
  clearKeptUnread(): void {
    this.#core.state.setState({ keptUnread: null });
  }

  /** Reports what could not be reported before. */
  connected(): void {
    for (const id of this.#seen.keys()) void this.#reportSeen(id).catch(() => undefined);
  }

  async #reportSeen(id: string): Promise<void> {
    if (this.#reporting.has(id)) return;
    this.#reporting.add(id);
    try {
      for (let message = this.#seen.get(id); message !== undefined; message = this.#seen.get(id)) {
        await this.#report(id, message);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch (error) {
      if (!(error instanceof RequestError && error.isTransient)) this.#seen.delete(id);
      throw error;
    } finally {
      this.#reporting.delete(id);
    }
  }

  async #report(id: string, message: Message): Promise<void> {
    const answer = await this.#core.call("message:read", { conversationId: id, messageId: message.id });
    if (this.#seen.get(id) === message) this.#seen.delete(id);
    const { seq: readSeq, unreadCount, mentionCount } = answer;
    // The reader is reading the messages after it, too.
    const isSeen = this.#core.isWatched(id) || this.#seen.has(id);
    const counts = isSeen ? { unreadCount: 0, mentionCount: 0 } : { unreadCount, mentionCount };
    this.#core.changeConversation(id, (before) => ({ ...before, readSeq, ...counts }));
  }
}

/** The reader does not have to read their own messages. */
function isAlreadyRead({ readSeq = 0, unreadCount = 0 }: Conversation, last: Message, me: User): boolean {
  return last.seq <= readSeq || (unreadCount === 0 && last.senderId === me.id);
}
