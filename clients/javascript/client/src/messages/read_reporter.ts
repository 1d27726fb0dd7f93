/**
 * Reports to the server what the reader has read: at once, and at most a few times a second. What was on the screen is
 * always reported, also after the reader has opened something else or the connection was lost.
 */

import type { Core } from "../core.ts";
import { own } from "../own.ts";
import type { Conversation, Message, User } from "../server/payloads.ts";
import { RequestError } from "../server/request_error.ts";
import type { Timeline } from "./timeline.ts";

const PAUSE_MS = 300;
const NONE = { unreadCount: 0, mentionCount: 0 };

export class ReadReporter {
  readonly #core: Core;
  /** What the reports say of replies in threads. */
  readonly #threads: { threads?: "collapsed" };
  readonly #reporting = new Set<string>();
  /** By conversation: what was on the screen and is not reported yet. */
  readonly #seen = new Map<string, Seen>();

  /** `collapses`: notifications of replies in threads stay unread until their thread is read. */
  constructor(core: Core, collapses = false) {
    this.#core = core;
    this.#threads = collapses ? { threads: "collapsed" } : {};
  }

  /** Marks everything up to a message as read, by default up to the newest loaded one. Rejects with `RequestError`. */
  async markRead(id: string, upTo?: Message): Promise<void> {
    const { timelines, conversations, me } = this.#core.now;
    const conversation = own(conversations, id);
    const last = upTo ?? newestSeen(own(timelines, id), conversation);
    if (last === undefined || conversation === undefined || isAlreadyRead(conversation, last, me)) return;
    const isNewest = last.seq >= conversation.lastSeq;
    if ((this.#seen.get(id)?.message.seq ?? 0) < last.seq) this.#seen.set(id, { message: last, isNewest });
    // Later messages are counted when they arrive, which may be before the server's answer.
    if (isNewest) this.#core.changeConversation(id, (before) => ({ ...before, ...NONE }));
    await this.#reportSeen(id);
  }

  /** Marks everything up to a message as read, while the page is being closed: an open socket sends no more then. */
  markReadBeforeEnd(id: string, upTo: Message): void {
    const { conversations, me } = this.#core.now;
    const conversation = own(conversations, id);
    if (conversation === undefined || isAlreadyRead(conversation, upTo, me)) return;
    this.#core.rest.postBeforeEnd(`conversations/${encodeURIComponent(id)}/read`, {
      messageId: upTo.id,
      ...this.#threads,
    });
  }

  /**
   * Marks everything from a message on as unread, by default from another user's newest message. Returns the `seq` up to
   * which the reader has read then. Rejects with `RequestError`.
   */
  async markUnread(id: string, messageId?: string): Promise<number> {
    this.#seen.delete(id);
    const answer = await this.#core.call("conversation:mark-unread", {
      conversationId: id,
      ...(messageId === undefined ? {} : { messageId }),
    });
    const { seq: readSeq, unreadCount, mentionCount } = answer;
    this.#core.changeConversation(id, (before) => ({ ...before, readSeq, unreadCount, mentionCount }));
    return readSeq;
  }

  /** Reports what could not be reported before. */
  connected(): void {
    for (const id of this.#seen.keys()) void this.#reportSeen(id).catch(() => undefined);
  }

  async #reportSeen(id: string): Promise<void> {
    if (this.#reporting.has(id)) return;
    this.#reporting.add(id);
    try {
      for (let seen = this.#seen.get(id); seen !== undefined; seen = this.#seen.get(id)) {
        await this.#report(id, seen);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch (error) {
      if (!(error instanceof RequestError && error.isTransient)) this.#seen.delete(id);
      throw error;
    } finally {
      this.#reporting.delete(id);
    }
  }

  async #report(id: string, seen: Seen): Promise<void> {
    const payload = { conversationId: id, messageId: seen.message.id, ...this.#threads };
    const answer = await this.#core.call("message:read", payload);
    // Otherwise more was read meanwhile, which is reported next, or the reader has marked it as unread.
    if (this.#seen.get(id) !== seen) return;
    this.#seen.delete(id);
    const { seq: readSeq, unreadCount, mentionCount } = answer;
    const counts = this.#core.isWatched(id) ? NONE : seen.isNewest ? {} : { unreadCount, mentionCount };
    this.#core.changeConversation(id, (before) => ({ ...before, readSeq, ...counts }));
  }
}

/** The newest message that was on the screen, and whether it was the conversation's newest one. */
interface Seen {
  readonly message: Message;
  readonly isNewest: boolean;
}

/** Returns the newest message of a range: also a reply in a thread, where those are left out. */
function newestSeen(timeline: Timeline | undefined, conversation: Conversation | undefined): Message | undefined {
  const [last, newest] = [timeline?.messages.at(-1), conversation?.lastMessage];
  const isBehind = timeline?.atEnd === true && newest?.threadId !== undefined && newest.seq > (last?.seq ?? 0);
  return isBehind ? newest : last;
}

/** The reader does not have to read their own messages. */
function isAlreadyRead({ readSeq = 0, unreadCount = 0 }: Conversation, last: Message, me: User): boolean {
  return last.seq <= readSeq || (unreadCount === 0 && last.senderId === me.id);
}
