/** Loads the pages of a conversation's messages. */

import type { Core } from "../core.ts";
import { own } from "../own.ts";
import type { Message, MessagesReply } from "../server/payloads.ts";
import {
  lastSeq,
  merged,
  reaching,
  type Timeline,
  trimmed,
  withNew,
  withNewer,
  withOlder,
  withoutReply,
} from "./timeline.ts";

type Where = { before: string } | { after: string } | { around: string } | { aroundSeq: number } | object;

/** Returns the messages as they are after a change, or as they were. */
type Change = (timeline: Timeline) => Timeline;

interface PageRequest {
  readonly id: string;
  readonly changes: Change[];
}

interface Page extends MessagesReply {
  /** What has happened while the page was on its way. */
  readonly happened: Change;
}

const PAGE = 50;

export class MessagePages {
  readonly #core: Core;
  readonly #collapses: boolean;
  readonly #loading = new Map<string, Promise<void>>();
  /** The pages that are on their way. */
  readonly #requests = new Set<PageRequest>();

  constructor(core: Core, collapses: boolean) {
    this.#core = core;
    this.#collapses = collapses;
  }

  /** Whether a message is not among those that are loaded: a reply in a thread. */
  #leavesOut({ threadId }: Message): boolean {
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
  changed(id: string, change: (message: Message) => Message): void {
    this.#happened(id, (timeline) => ({ ...timeline, messages: timeline.messages.map(change) }));
  }

  /** Adds a new message to a timeline: a page that is on its way may end before it. */
  arrived(message: Message): Change {
    const add = this.#leavesOut(message) ? withoutReply : withNew;
    const change: Change = (timeline) => add(timeline, message);
    this.#happened(message.conversationId, change);
    return change;
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
      const { messages, hasMore, happened } = await this.#list(id, where);
      const timeline = own(this.#core.now.timelines, id);
      if (timeline !== undefined) this.#set(id, happened(this.#whole(add(timeline, messages, hasMore), sent)));
    });
  }

  async #loadPage(id: string, where: Where): Promise<Timeline> {
    const sent = this.#lastSeq(id);
    const { messages, hasMore, happened } = await this.#list(id, where);
    const isNewest = Object.keys(where).length === 0;
    const atEnd = isNewest || (messages.at(-1)?.seq ?? 0) >= sent;
    const page = happened(this.#whole({ messages, atStart: !hasMore, atEnd }, sent));
    // The conversation was loaded again meanwhile, with messages that this page does not have.
    if (this.#lastSeq(id) > Math.max(sent, lastSeq(page)))
      return isNewest ? this.#loadPage(id, where) : { ...page, atEnd: false };
    return page;
  }

  #happened(id: string, change: Change): void {
    for (const request of this.#requests) if (request.id === id) request.changes.push(change);
  }

  /** Returns a range that includes the conversation's end, up to the replies that it leaves out. */
  #whole(timeline: Timeline, sent: number): Timeline {
    return this.#collapses && timeline.atEnd ? reaching(timeline, sent) : timeline;
  }

  async #list(id: string, where: Where): Promise<Page> {
    const request: PageRequest = { id, changes: [] };
    this.#requests.add(request);
    try {
      const collapsed = this.#collapses ? { threads: "collapsed" as const } : {};
      const payload = { conversationId: id, limit: PAGE, ...collapsed, ...where };
      const reply = await this.#core.call("messages:list", payload);
      const loaded = reply.messages.map((message) => this.#core.growing.loaded(message));
      const happened: Change = (page) => request.changes.reduce((before, change) => change(before), page);
      return { ...reply, messages: loaded, happened };
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
