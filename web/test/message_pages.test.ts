import { expect, it } from "vitest";
import { createStore } from "zustand/vanilla";
import type { ChatState, Core } from "../src/chat/core";
import { MessagePages } from "../src/chat/messages/message_pages";
import { conversation, messages } from "./samples";

type Asked = { before?: string; after?: string; around?: string; aroundSeq?: number };

/** A conversation with this many messages on a server, read up to `read`; returns ten a page. */
function reading(lastSeq: number, read: number | null) {
  const asked: Asked[] = [];
  const state = createStore<ChatState>(
    () =>
      ({
        conversations: { c: conversation("c", { lastSeq }) },
        timelines: {},
        unreadAfter: read,
      }) as unknown as ChatState,
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
    call,
    get now() {
      return state.getState();
    },
  };
  return { pages: new MessagePages(core as unknown as Core), asked, timeline: () => state.getState().timelines.c };
}

const span = (timeline: { messages: readonly { seq: number }[] } | undefined) =>
  timeline && [timeline.messages[0]?.seq, timeline.messages.at(-1)?.seq];

it("a read conversation opens at its end", async () => {
  const { pages, asked, timeline } = reading(500, null);
  await pages.open("c");
  expect(asked).toEqual([{}]);
  expect(timeline()).toMatchObject({ atStart: false, atEnd: true });
  expect(span(timeline())).toEqual([491, 500]);
});

it("however many messages are unread, one page around the first one is loaded", async () => {
  const { pages, asked, timeline } = reading(100_000, 20);
  await pages.open("c");
  expect(asked).toEqual([{ aroundSeq: 21 }]);
  expect(timeline()).toMatchObject({ atStart: false, atEnd: false });
  expect(span(timeline())).toEqual([16, 25]);
});

it("the newest page is not used when it does not reach the first unread message", async () => {
  const { pages, asked } = reading(100, 70);
  await pages.open("c");
  expect(asked).toEqual([{}, { aroundSeq: 71 }]);
});

it("a jump waits for the page that is being loaded, and is not lost", async () => {
  const { pages, timeline } = reading(500, null);
  await pages.open("c");
  await Promise.all([pages.older("c"), pages.older("c"), pages.around("c", "m100")]);
  expect(span(timeline())).toEqual([95, 104]);
  await Promise.all([pages.newer("c"), pages.newest("c")]);
  expect(span(timeline())).toEqual([491, 500]);
});

it("a page that touches the loaded range joins it", async () => {
  const { pages, timeline } = reading(500, null);
  await pages.open("c");
  await pages.around("c", "m486");
  expect(span(timeline())).toEqual([481, 500]);
  expect(timeline()?.atEnd).toBe(true);
});
