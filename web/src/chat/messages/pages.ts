/** Pages of what was said: which stretch of a conversation is here, and how more of it comes. */

import type { Message, MessagesReply } from "../../server/payloads";
import { type Core, own } from "../core";
import { EMPTY, joined, type Timeline, withNewer, withOlder, withoutEnd } from "./timeline";

type Where = { before: string } | { after: string } | { around: string } | { aroundSeq: number } | object;

const PAGE = 50;

export class Pages {
  readonly #core: Core;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Where the reader left off: the newest page, or the one around the first unread message. */
  open(id: string): Promise<void> {
    const read = this.#core.now.unreadAfter;
    return this.#afterOthers(id, async () => {
      let page = read !== null && this.#lastSeq(id) - read > PAGE ? null : await this.#stretch(id, {});
      if (page === null || (read !== null && !reaches(page, read + 1)))
        page = await this.#stretch(id, { aroundSeq: (read ?? 0) + 1 });
      this.#put(id, page);
    });
  }

  newest(id: string): Promise<void> {
    return this.#afterOthers(id, async () => this.#put(id, await this.#stretch(id, {})));
  }

  /** Rejects with `Refused` where there is no such message for the reader. */
  around(id: string, messageId: string): Promise<void> {
    return this.#afterOthers(id, async () => this.#put(id, await this.#stretch(id, { around: messageId })));
  }

  async older(id: string): Promise<void> {
    const timeline = own(this.#core.now.timelines, id);
    const first = timeline?.messages[0];
    if (timeline === undefined || timeline.atStart || first === undefined) return;
    await this.#more(id, { before: first.id }, withOlder);
  }

  async newer(id: string): Promise<void> {
    const timeline = own(this.#core.now.timelines, id);
    const last = timeline?.messages.at(-1);
    if (timeline === undefined || timeline.atEnd || last === undefined) return;
    await this.#more(id, { after: last.id }, withNewer);
  }

  /** A page that is on its way has to fit what is here, so nothing is let go of meanwhile. */
  letGo(id: string, end: "oldest" | "newest"): void {
    const timeline = own(this.#core.now.timelines, id);
    if (timeline !== undefined && !this.#busy.has(id)) this.#set(id, withoutEnd(timeline, end));
  }

  /** One page of a conversation is loaded at a time; where one comes already, the list asks again by itself. */
  async #more(
    id: string,
    where: Where,
    add: (timeline: Timeline, page: readonly Message[], hasMore: boolean) => Timeline,
  ): Promise<void> {
    if (this.#busy.has(id)) return;
    await this.#afterOthers(id, async () => {
      const { messages, hasMore } = await this.#ask(id, where);
      const timeline = own(this.#core.now.timelines, id);
      if (timeline !== undefined) this.#set(id, add(timeline, messages, hasMore));
    });
  }

  async #stretch(id: string, where: Where): Promise<Timeline> {
    const { messages, hasMore } = await this.#ask(id, where);
    // What was sent meanwhile is loaded behind it.
    const atEnd = (messages.at(-1)?.seq ?? 0) >= this.#lastSeq(id);
    return { ...EMPTY, messages, atStart: !hasMore, atEnd };
  }

  #ask(id: string, where: Where): Promise<MessagesReply> {
    return this.#core.call("messages:list", { conversationId: id, limit: PAGE, ...where });
  }

  /** What the reader asked for waits for the page that comes, and is not dropped. */
  async #afterOthers(id: string, load: () => Promise<void>): Promise<void> {
    const before = this.#busy.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(load);
    this.#busy.set(id, mine);
    try {
      await mine;
    } finally {
      if (this.#busy.get(id) === mine) this.#busy.delete(id);
    }
  }

  #put(id: string, page: Timeline): void {
    this.#set(id, joined(own(this.#core.now.timelines, id), page));
  }

  #set(id: string, timeline: Timeline): void {
    this.#core.state.setState(({ timelines }) => ({ timelines: { ...timelines, [id]: timeline } }));
  }

  #lastSeq(id: string): number {
    return own(this.#core.now.conversations, id)?.lastSeq ?? 0;
  }
}

const reaches = ({ messages, atStart }: Timeline, seq: number): boolean =>
  atStart || (messages[0]?.seq ?? Number.POSITIVE_INFINITY) <= seq;
