/** Loads the pages of a conversation's messages. */

import type { Message, MessagesReply } from "../../server/payloads";
import type { Core } from "../core";
import { own } from "../own";
import { EMPTY, merged, type Timeline, trimmed, withNewer, withOlder } from "./timeline";

type Where = { before: string } | { after: string } | { around: string } | { aroundSeq: number } | object;

const PAGE = 50;

export class MessagePages {
  readonly #core: Core;
  readonly #loading = new Map<string, Promise<void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Loads where the reader left off: the newest page, or the page around the first unread message. */
  open(id: string): Promise<void> {
    const read = this.#core.now.unreadAfter;
    return this.#afterOthers(id, async () => {
      let page = read !== null && this.#lastSeq(id) - read > PAGE ? null : await this.#loadPage(id, {});
      if (page === null || (read !== null && !reaches(page, read + 1)))
        page = await this.#loadPage(id, { aroundSeq: (read ?? 0) + 1 });
      this.#put(id, page);
    });
  }

  newest(id: string): Promise<void> {
    return this.#afterOthers(id, async () => this.#put(id, await this.#loadPage(id, {})));
  }

  /** Loads the page around a message. Rejects with `RequestError` when the reader cannot see it. */
  around(id: string, messageId: string): Promise<void> {
    return this.#afterOthers(id, async () => this.#put(id, await this.#loadPage(id, { around: messageId })));
  }

  async older(id: string): Promise<void> {
    const timeline = own(this.#core.now.timelines, id);
    const first = timeline?.messages[0];
    if (timeline === undefined || timeline.atStart || first === undefined) return;
    await this.#extend(id, { before: first.id }, withOlder);
  }

  async newer(id: string): Promise<void> {
    const timeline = own(this.#core.now.timelines, id);
    const last = timeline?.messages.at(-1);
    if (timeline === undefined || timeline.atEnd || last === undefined) return;
    await this.#extend(id, { after: last.id }, withNewer);
  }

  /** Drops nothing while a page is being loaded, because that page has to fit the messages here. */
  dropEnd(id: string, end: "oldest" | "newest"): void {
    const timeline = own(this.#core.now.timelines, id);
    if (timeline !== undefined && !this.#loading.has(id)) this.#set(id, trimmed(timeline, end));
  }

  /** Loads one page at a time; the list asks again when another page is being loaded. */
  async #extend(
    id: string,
    where: Where,
    add: (timeline: Timeline, page: readonly Message[], hasMore: boolean) => Timeline,
  ): Promise<void> {
    if (this.#loading.has(id)) return;
    await this.#afterOthers(id, async () => {
      const { messages, hasMore } = await this.#list(id, where);
      const timeline = own(this.#core.now.timelines, id);
      if (timeline !== undefined) this.#set(id, add(timeline, messages, hasMore));
    });
  }

  async #loadPage(id: string, where: Where): Promise<Timeline> {
    const { messages, hasMore } = await this.#list(id, where);
    // Messages that were sent meanwhile are loaded after this page.
    const atEnd = (messages.at(-1)?.seq ?? 0) >= this.#lastSeq(id);
    return { ...EMPTY, messages, atStart: !hasMore, atEnd };
  }

  #list(id: string, where: Where): Promise<MessagesReply> {
    return this.#core.call("messages:list", { conversationId: id, limit: PAGE, ...where });
  }

  /** Runs `load` after the page that is being loaded, instead of dropping it. */
  async #afterOthers(id: string, load: () => Promise<void>): Promise<void> {
    const before = this.#loading.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(load);
    this.#loading.set(id, mine);
    try {
      await mine;
    } finally {
      if (this.#loading.get(id) === mine) this.#loading.delete(id);
    }
  }

  #put(id: string, page: Timeline): void {
    this.#set(id, merged(own(this.#core.now.timelines, id), page));
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
