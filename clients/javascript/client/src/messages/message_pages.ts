/** Loads the pages of a conversation's messages. */

import type { Core } from "../core.ts";
import { own } from "../own.ts";
import type { Message, MessagesReply } from "../server/payloads.ts";
import { EMPTY, merged, reaching, type Timeline, trimmed, withNewer, withOlder } from "./timeline.ts";

type Where = { before: string } | { after: string } | { around: string } | { aroundSeq: number } | object;

/** Returns the message as it is after the change, or as it was. */
type Change = (message: Message) => Message;

interface PageRequest {
  readonly id: string;
  readonly changes: Change[];
  arrivedSeq: number;
}

interface Page extends MessagesReply {
  /** The newest message that arrived while the page was on its way; 0: none. */
  readonly arrivedSeq: number;
}

const PAGE = 50;

export class MessagePages {
  readonly #core: Core;
  readonly #collapses: boolean;
  readonly #loading = new Map<string, Promise<void>>();
  /** The changes of messages that arrived while a page with them may have been on its way. */
  readonly #requests = new Set<PageRequest>();

  constructor(core: Core, collapses: boolean) {
    this.#core = core;
    this.#collapses = collapses;
  }

  /** Whether a message is not among those that are loaded: a reply in a thread. */
  leavesOut({ threadId }: Message): boolean {
    return this.#collapses && threadId !== undefined;
  }

  /**
   * Loads where the reader left off: the newest page, or the page around the first message after `read`, the `seq` up
   * to which they have read.
   */
  open(id: string, read: number | null): Promise<void> {
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

  /** Replaces what is loaded by the newest page, since changes of older messages were missed. */
  reload(id: string): Promise<void> {
    return this.#afterOthers(id, async () => this.#set(id, await this.#loadPage(id, {})));
  }

  /** Whether a page of the conversation is being loaded. */
  isLoading(id: string): boolean {
    return this.#loading.has(id);
  }

  /** Records a change of messages: a page that is on its way may have been read before it. */
  changed(id: string, change: Change): void {
    for (const request of this.#requests) if (request.id === id) request.changes.push(change);
  }

  /** Records a new message: a page that is on its way may end before it. */
  arrived({ conversationId, seq }: Message): void {
    for (const request of this.#requests)
      if (request.id === conversationId) request.arrivedSeq = Math.max(request.arrivedSeq, seq);
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
      const sent = this.#lastSeq(id);
      const { messages, hasMore } = await this.#list(id, where);
      const timeline = own(this.#core.now.timelines, id);
      if (timeline !== undefined) this.#set(id, this.#whole(add(timeline, messages, hasMore), sent));
    });
  }

  async #loadPage(id: string, where: Where): Promise<Timeline> {
    const sent = this.#lastSeq(id);
    const { messages, hasMore, arrivedSeq } = await this.#list(id, where);
    const lastSeq = Math.max(this.#lastSeq(id), arrivedSeq);
    const page = { ...EMPTY, messages, atStart: !hasMore };
    const isNewest = Object.keys(where).length === 0;
    const last = Math.max(messages.at(-1)?.seq ?? 0, isNewest && this.#collapses ? sent : 0);
    // Messages that were sent meanwhile are loaded after the last one of this page. An empty page is loaded again.
    if (messages.length === 0 && lastSeq > sent) return this.#loadPage(id, where);
    return this.#whole({ ...page, atEnd: last >= lastSeq }, sent);
  }

  /** Returns a range that includes the conversation's end, up to the replies that it leaves out. */
  #whole(timeline: Timeline, sent: number): Timeline {
    return this.#collapses && timeline.atEnd ? reaching(timeline, sent) : timeline;
  }

  async #list(id: string, where: Where): Promise<Page> {
    const request: PageRequest = { id, changes: [], arrivedSeq: 0 };
    this.#requests.add(request);
    try {
      const collapsed = this.#collapses ? { threads: "collapsed" as const } : {};
      const payload = { conversationId: id, limit: PAGE, ...collapsed, ...where };
      const reply = await this.#core.call("messages:list", payload);
      const messages = reply.messages.map((message) => changedBy(request.changes, message));
      return { ...reply, messages, arrivedSeq: request.arrivedSeq };
    } finally {
      this.#requests.delete(request);
    }
  }

  /** Runs `load` after the page that is being loaded, instead of dropping it. */
  async #afterOthers(id: string, load: () => Promise<void>): Promise<void> {
    const others = this.#loading.get(id);
    // Otherwise the request is sent at once, before the page is drawn without the messages.
    const mine = others?.catch(() => undefined).then(load) ?? load();
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

const changedBy = (changes: readonly Change[], message: Message): Message =>
  changes.reduce((before, change) => change(before), message);
