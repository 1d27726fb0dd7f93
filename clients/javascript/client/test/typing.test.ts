import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Core } from "../src/core.ts";
import { Typing, typistsIn } from "../src/people/typing.ts";

let sent: string[];
let handlers: Record<string, (payload: object) => void>;
let typing: Typing;
let blocked: Set<string>;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  sent = [];
  handlers = {};
  blocked = new Set();
  typing = new Typing({
    now: { blocked },
    on: (name: string, handler: (payload: object) => void) => {
      handlers[name] = handler;
    },
    send: (name: string, { conversationId }: { conversationId: string }) => sent.push(`${name} ${conversationId}`),
  } as unknown as Core);
});
afterEach(() => {
  vi.useRealTimers();
});

const types = (conversationId: string, isTyping: boolean): void =>
  handlers["typing:user"]?.({ conversationId, userId: "bob", userName: "Bob", isTyping });
const shown = (conversationId: string): string[] =>
  typistsIn(typing.state.getState(), conversationId).map(({ name }) => name);

test("typing is sent every few seconds, for each conversation by itself", () => {
  typing.type("a");
  typing.type("a");
  typing.type("b");
  vi.advanceTimersByTime(3_000);
  typing.type("a");
  expect(sent).toEqual(["typing:start a", "typing:start b", "typing:start a"]);
});

test("the end is sent once, where the start was sent", () => {
  typing.type("a");
  typing.stop("b");
  typing.stop("a");
  typing.stop("a");
  expect(sent).toEqual(["typing:start a", "typing:stop a"]);
});

test("typing after sending a message is sent again", () => {
  typing.type("a");
  typing.sent("a");
  typing.type("a");
  expect(sent).toEqual(["typing:start a", "typing:start a"]);
});

test("a blocked user is not shown as typing", () => {
  blocked.add("bob");
  types("a", true);
  expect(shown("a")).toEqual([]);
});

test("others are shown until they stop, send, or time out", () => {
  types("a", true);
  expect([shown("a"), shown("b")]).toEqual([["Bob"], []]);
  types("a", false);
  expect(shown("a")).toEqual([]);
  types("a", true);
  handlers["message:new"]?.({ conversationId: "a", senderId: "bob" });
  expect(shown("a")).toEqual([]);
  types("a", true);
  vi.advanceTimersByTime(6_000);
  expect(shown("a")).toEqual([]);
});

test("a conversation's id may be the name of an object's property", () => {
  expect(shown("constructor")).toEqual([]);
  types("constructor", true);
  expect(shown("constructor")).toEqual(["Bob"]);
});
