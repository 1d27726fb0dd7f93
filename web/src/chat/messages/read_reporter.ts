/**
 * What the reader has read, told to the server: at once, and where much comes, a few times a second. What was on the
 * screen counts as read here from then on, so it is told in any case: when the reader has gone on to something else
 * meanwhile, and when the connection is back.
 */

import type { Conversation, Message, User } from "../../server/payloads";
import { RequestError } from "../../server/request_error";
import type { Core } from "../core";
import { own } from "../own";

const PAUSE_MS = 300;

export class ReadReporter {
  readonly #core: Core;
  readonly #reporting = new Set<string>();
  /** The newest message that was on the screen and is not told yet, by conversation. */
  readonly #seen = new Map<string, Message>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Everything up to the newest message that is here has been on the screen. Rejects with `RequestError`. */
  async markRead(id: string): Promise<void> {
    const { timelines, conversations, me } = this.#core.now;
    const last = own(timelines, id)?.messages.at(-1);
    const conversation = own(conversations, id);
    if (last === undefined || conversation === undefined || isAlreadyRead(conversation, last, me)) return;
    this.#seen.set(id, last);
    await this.#reportSeen(id);
  }

  /**
   * Everything from a message on is unread again, or from the newest one of somebody else; an open conversation stays so
   * until the reader leaves it. Rejects with `RequestError`.
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

  /** What was marked as unread is read as usual from now on. */
  clearKeptUnread(): void {
    this.#core.state.setState({ keptUnread: null });
  }

  /** The connection is back: tells what could not be told. */
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
    // What came behind it is being read as well.
    const isSeen = this.#core.isWatched(id) || this.#seen.has(id);
    const counts = isSeen ? { unreadCount: 0, mentionCount: 0 } : { unreadCount, mentionCount };
    this.#core.changeConversation(id, (before) => ({ ...before, readSeq, ...counts }));
  }
}

/** Nobody has to read what they said themselves. */
function isAlreadyRead({ readSeq = 0, unreadCount = 0 }: Conversation, last: Message, me: User): boolean {
  return last.seq <= readSeq || (unreadCount === 0 && last.senderId === me.id);
}
