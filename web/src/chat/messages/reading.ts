/** What the reader has read, told to the server: at once, and where much comes, a few times a second. */

import type { Conversation, Message, User } from "../../server/payloads";
import { type Core, own } from "../core";

const PAUSE_MS = 300;

interface Answer {
  seq: number;
  unreadCount: number;
  mentionCount: number;
}

export class Reading {
  readonly #core: Core;
  readonly #busy = new Set<string>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Everything up to the newest message that is here has been on the screen. Rejects with `Refused`. */
  async markRead(id: string): Promise<void> {
    const { timelines, conversations, me } = this.#core.now;
    const last = own(timelines, id)?.messages.at(-1);
    const conversation = own(conversations, id);
    if (last === undefined || conversation === undefined || this.#busy.has(id)) return;
    if (isRead(conversation, last, me)) return;
    this.#busy.add(id);
    try {
      await this.#tell(id, last);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    } finally {
      this.#busy.delete(id);
    }
    // What has come meanwhile.
    if (this.#core.isWatched(id)) await this.markRead(id);
  }

  async #tell(id: string, { id: messageId }: Message): Promise<void> {
    const answer = await this.#core.call<Answer>("message:read", { conversationId: id, messageId });
    const { seq: readSeq, unreadCount, mentionCount } = answer;
    // What came behind it is being read as well.
    const counts = this.#core.isWatched(id) ? { unreadCount: 0, mentionCount: 0 } : { unreadCount, mentionCount };
    this.#core.changeConversation(id, (before) => ({ ...before, readSeq, ...counts }));
  }
}

/** Nobody has to read what they said themselves. */
function isRead({ readSeq = 0, unreadCount = 0 }: Conversation, last: Message, me: User): boolean {
  return last.seq <= readSeq || (unreadCount === 0 && last.senderId === me.id);
}
