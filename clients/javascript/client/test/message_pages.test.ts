import { expect, it } from "vitest";
import { createStore } from "zustand/vanilla";
import type { ClientState, Core } from "../src/core.ts";
import { MessagePages } from "../src/messages/message_pages.ts";
import type { Timeline } from "../src/messages/timeline.ts";
import type { Conversation, Message } from "../src/server/payloads.ts";
import { GrowingMessages } from "../src/streams/growing_messages.ts";
import { conversation, message, messages } from "./samples.ts";

type Asked = { before?: string; after?: string; around?: string; aroundSeq?: number };

/** A conversation with this many messages on a server, read up to `read`; returns ten a page. */
function reading(lastSeq: number, read: number | null) {
  const asked: Asked[] = [];
  const state = createStore<ClientState>(
    () =>
      ({
        conversations: { c: conversation("c", { lastSeq }) },
        timelines: {},
      }) as unknown as ClientState,
  );
  const call = async (_: string, { conversationId: __, limit: ___, ...where }: Asked & Record<string, unknown>) => {
    asked.push(where);
    const anchor = (id: string | undefined) => (id === undefined ? undefined : Number(id.slice(1)));
    const middle = where.aroundSeq ?? anchor(where.around);
    const before = anchor(where.before);
    const after = anchor(where.after);
    const first = middle !== undefined ? middle - 5 : after !== undefined ? after + 1 : (before ?? lastSeq + 1) - 10;
    const page = messages(Math.max(1, first), Math.min(lastSeq, first + 9));
    return { messages: page, hasMore: after === undefined ? first > 1 : first + 9 < lastSeq };
  };
  const core = {
    state,
    growing: new GrowingMessages(),
    call,
    get now() {
      return state.getState();
    },
  };
  return {
    read,
    pages: new MessagePages(core as unknown as Core, false),
    asked,
    timeline: () => state.getState().timelines.c,
  };
}

/** A client of a server that answers when the test says so. */
function asking(state: { getState(): unknown }) {
  const answers: ((reply: object) => void)[] = [];
  const core = {
    state,
    growing: new GrowingMessages(),
    call: () => new Promise((answer) => answers.push(answer)),
    get now() {
      return state.getState();
    },
  };
  return { pages: new MessagePages(core as unknown as Core, false), answers };
}

const span = (timeline: { messages: readonly { seq: number }[] } | undefined) =>
  timeline && [timeline.messages[0]?.seq, timeline.messages.at(-1)?.seq];

it("a read conversation opens at its end", async () => {
  const { read, pages, asked, timeline } = reading(500, null);
  await pages.open("c", read);
  expect(asked).toEqual([{}]);
  expect(timeline()).toMatchObject({ atStart: false, atEnd: true });
  expect(span(timeline())).toEqual([491, 500]);
});

it.each(["known", "unknown"])(
  "a conversation that is %s opens with a first message that arrived before an empty answer",
  async (kind) => {
    const state = createStore(() => ({
      conversations: (kind === "known" ? { c: conversation("c") } : {}) as Record<string, Conversation>,
      timelines: {} as Record<string, Timeline>,
    }));
    const { pages, answers } = asking(state);
    const opened = pages.open("c", null);
    if (kind === "known") state.setState({ conversations: { c: conversation("c", { lastSeq: 1 }) } });
    else pages.arrived(message(1));
    answers.shift()?.({ messages: [], hasMore: false });
    await new Promise((resolve) => setTimeout(resolve));
    answers.shift()?.({ messages: messages(1, 1), hasMore: false });
    await opened;
    expect(span(state.getState().timelines.c)).toEqual([1, 1]);
    expect(state.getState().timelines.c).toMatchObject({ atEnd: true });
  },
);

it("messages that arrive and change while the newest page is on its way are in it", async () => {
  const state = createStore(() => ({
    conversations: { c: conversation("c", { lastSeq: 3 }) },
    timelines: {} as Record<string, Timeline>,
  }));
  const { pages, answers } = asking(state);
  const loaded = pages.newest("c");
  for (const seq of [3, 4, 5]) pages.arrived(message(seq));
  pages.changed("c", (each) => (each.seq === 4 ? { ...each, content: "edited" } : each));
  state.setState({ conversations: { c: conversation("c", { lastSeq: 5 }) } });
  answers.shift()?.({ messages: messages(1, 3), hasMore: false });
  await loaded;
  const timeline = state.getState().timelines.c;
  expect(timeline).toMatchObject({ atEnd: true });
  expect(timeline?.messages.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  expect(timeline?.messages[3]?.content).toBe("edited");
  expect(answers).toEqual([]);
});

it("a message that arrives while the last newer page is on its way is in it", async () => {
  const state = createStore(() => ({
    conversations: { c: conversation("c", { lastSeq: 3 }) },
    timelines: { c: { messages: messages(1, 2), atStart: true, atEnd: false } } as Record<string, Timeline>,
  }));
  const { pages, answers } = asking(state);
  const loaded = pages.newer("c");
  pages.arrived(message(4));
  answers.shift()?.({ messages: messages(3, 3), hasMore: false });
  await loaded;
  expect(state.getState().timelines.c).toMatchObject({ atEnd: true });
  expect(span(state.getState().timelines.c)).toEqual([1, 4]);
});

it("a conversation whose messages are all hidden from the reader is asked for once", async () => {
  const state = createStore(() => ({
    conversations: { c: conversation("c", { lastSeq: 5 }) },
    timelines: {} as Record<string, Timeline>,
  }));
  let asked = 0;
  const call = async () => {
    asked += 1;
    return { messages: [], hasMore: false };
  };
  const core = {
    state,
    growing: new GrowingMessages(),
    call,
    get now() {
      return state.getState();
    },
  };
  await new MessagePages(core as unknown as Core, false).open("c", null);
  expect(asked).toBe(1);
});

it("however many messages are unread, one page around the first one is loaded", async () => {
  const { read, pages, asked, timeline } = reading(100_000, 20);
  await pages.open("c", read);
  expect(asked).toEqual([{ aroundSeq: 21 }]);
  expect(timeline()).toMatchObject({ atStart: false, atEnd: false });
  expect(span(timeline())).toEqual([16, 25]);
});

it("the newest page is not used when it does not reach the first unread message", async () => {
  const { read, pages, asked } = reading(100, 70);
  await pages.open("c", read);
  expect(asked).toEqual([{}, { aroundSeq: 71 }]);
});

it("a jump waits for the page that is being loaded, and is not lost", async () => {
  const { read, pages, timeline } = reading(500, null);
  await pages.open("c", read);
  await Promise.all([pages.older("c"), pages.older("c"), pages.around("c", "m100")]);
  expect(span(timeline())).toEqual([95, 104]);
  await Promise.all([pages.newer("c"), pages.newest("c")]);
  expect(span(timeline())).toEqual([491, 500]);
});

it("a page that touches the loaded range joins it", async () => {
  const { read, pages, timeline } = reading(500, null);
  await pages.open("c", read);
  await pages.around("c", "m486");
  expect(span(timeline())).toEqual([481, 500]);
  expect(timeline()?.atEnd).toBe(true);
});

it("a range without replies reaches up to the newest one", async () => {
  const state = createStore(() => ({
    conversations: { c: { lastSeq: 12 } },
    timelines: {} as Record<string, Timeline>,
  }));
  const asked: object[] = [];
  const call = async (_: string, payload: object) => {
    asked.push(payload);
    return { messages: messages(1, 3), hasMore: false };
  };
  const core = {
    state,
    growing: new GrowingMessages(),
    call,
    get now() {
      return state.getState();
    },
  };
  const pages = new MessagePages(core as unknown as Core, true);
  await pages.newest("c");
  expect(asked).toEqual([{ conversationId: "c", limit: 50, threads: "collapsed" }]);
  expect(state.getState().timelines.c).toMatchObject({ atEnd: true, upTo: 12 });
  const [page] = messages(13, 13);
  const timeline = state.getState().timelines.c as Timeline;
  expect(pages.arrived({ ...page, threadId: "m1" } as Message)(timeline)).toMatchObject({ upTo: 13 });
  expect(span(pages.arrived(page as Message)(timeline))).toEqual([1, 13]);
});
