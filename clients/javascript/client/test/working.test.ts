import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClientState, Core } from "../src/core.ts";
import { Working } from "../src/people/working.ts";
import { conversation, message } from "./samples.ts";

let handlers: Record<string, (payload: object) => void>;
let state: ClientState;
let working: Working;
let shown: unknown[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  handlers = {};
  shown = [];
  state = { connected: true, blocked: new Set(), conversations: {}, timelines: {} } as unknown as ClientState;
  const on = (name: string, handler: (payload: object) => void): void => {
    handlers[name] = handler;
  };
  const core = {
    on,
    get now() {
      return state;
    },
  } as unknown as Core;
  working = new Working(core, (id, agents) => shown.push([id, ...agents.map(({ label = "" }) => label)]));
});
afterEach(() => {
  vi.useRealTimers();
});

const works = (label?: string, conversationId = "c"): void =>
  working.received({ conversationId, agentId: "bot", ...(label !== undefined && { label }) }, state);
const labels = (conversationId = "c"): string[] => working.in(conversationId).map(({ label = "" }) => label);

test("an agent is shown for 20 seconds after the last signal", () => {
  works("reads");
  vi.advanceTimersByTime(15_000);
  works("reads");
  vi.advanceTimersByTime(19_999);
  expect([labels(), labels("other")]).toEqual([["reads"], []]);
  vi.advanceTimersByTime(1);
  expect(labels()).toEqual([]);
  expect(shown).toEqual([["c", "reads"], ["c"]]);
});

test("each change of what it does is shown, and its message ends it", () => {
  works();
  works("reads");
  handlers["message:new"]?.(message(1, { senderId: "alice" }));
  expect(labels()).toEqual(["reads"]);
  handlers["message:new"]?.(message(2, { senderId: "bot" }));
  expect(shown).toEqual([["c", ""], ["c", "reads"], ["c"]]);
});

test("a message that it continues ends it, and while it writes it is not shown", () => {
  works();
  handlers["message:updated"]?.(message(1, { senderId: "bot" }));
  expect(labels()).toEqual([""]);
  const streaming = message(1, { senderId: "bot", state: "streaming" });
  handlers["message:updated"]?.(streaming);
  expect(labels()).toEqual([]);
  state = { ...state, timelines: { c: { messages: [streaming] } } } as unknown as ClientState;
  works();
  expect(labels()).toEqual([]);
});

test("a signal that is handled after the agent's message is ignored", () => {
  const before = { ...state, conversations: { c: conversation("c", { lastSeq: 1 }) } };
  const lastMessage = message(2, { senderId: "bot" });
  state = { ...state, conversations: { c: conversation("c", { lastSeq: 2, lastMessage }) } };
  working.received({ conversationId: "c", agentId: "bot" }, before);
  expect(labels()).toEqual([]);
  works();
  expect(labels()).toEqual([""]);
});

test("a blocked agent is not shown, and nobody without a connection", () => {
  state = { ...state, blocked: new Set(["bot"]) };
  works();
  expect(labels()).toEqual([]);
  state = { ...state, blocked: new Set() };
  works();
  working.lost();
  expect([labels(), vi.getTimerCount()]).toEqual([[], 0]);
});
