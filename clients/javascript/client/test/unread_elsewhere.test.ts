import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { totalUnread } from "../src/conversations/conversations_by_id.ts";
import { UnreadElsewhere } from "../src/conversations/unread_elsewhere.ts";
import type { ClientState, Core } from "../src/core.ts";
import type { Conversation } from "../src/server/payloads.ts";
import { conversation } from "./samples.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const unread = (id: string, unreadCount: number): Conversation => conversation(id, { unreadCount });
const byId = (...all: Conversation[]) => Object.fromEntries(all.map((each) => [each.id, each]));

function elsewhere(...loaded: Conversation[]) {
  const state = createStore(
    () =>
      ({
        conversations: byId(...loaded),
        nextConversations: "next",
        unreadElsewhere: 0,
        connected: true,
      }) as unknown as ClientState,
  );
  const call = vi.fn(async () => ({ messages: 0 }));
  let handle: (name: string, payload: unknown) => void = () => undefined;
  const core = {
    state,
    call,
    get now() {
      return state.getState();
    },
    onAny: (handler: typeof handle) => {
      handle = handler;
    },
  } as unknown as Core;
  const part = new UnreadElsewhere(core, (id) => id === "unlisted");
  const total = () => totalUnread(state.getState().conversations) + state.getState().unreadElsewhere;
  const put = (...changed: Conversation[]) =>
    state.setState(({ conversations }) => ({ conversations: { ...conversations, ...byId(...changed) } }));
  const tell = (name: string, payload: unknown) => handle(name, payload);
  return { part, state, call, total, put, tell };
}

it("is what the server counts beside the loaded conversations", async () => {
  const { part, state, call, total, put } = elsewhere(unread("a", 2));
  call.mockResolvedValue({ messages: 32 });
  part.connected();
  await vi.advanceTimersByTimeAsync(0);
  expect(state.getState().unreadElsewhere).toBe(30);
  put(unread("a", 0));
  expect(total()).toBe(30);
  const seen: number[] = [];
  state.subscribe(() => seen.push(total()));
  put(unread("b", 30));
  expect(seen.at(-1)).toBe(30);
  expect(state.getState().unreadElsewhere).toBe(0);
});

it("is nothing, and asks nothing, while all conversations are loaded", async () => {
  const { part, state, call, put, tell } = elsewhere(unread("a", 2));
  state.setState({ unreadElsewhere: 5, nextConversations: null });
  put(unread("b", 1));
  expect(state.getState().unreadElsewhere).toBe(0);
  part.connected();
  tell("conversation:unread", { conversationId: "other" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(call).not.toHaveBeenCalled();
});

it.each([
  ["message:new", { conversationId: "other" }, 1],
  ["conversation:new", { id: "other" }, 1],
  ["conversation:listed", { conversationId: "other" }, 1],
  ["conversation:unread", { conversationId: "other" }, 1],
  ["conversation:preferences", { conversationId: "other" }, 1],
  ["conversation:unread", { conversationId: "a" }, 0],
  ["message:new", { conversationId: "unlisted" }, 0],
  ["typing:start", { conversationId: "other" }, 0],
  ["user:blocked", { userId: "bob" }, 1],
])("after events %s of %o, it asks %i times", async (name, payload, times) => {
  const { call, tell } = elsewhere(unread("a", 2));
  for (let count = 0; count < 5; count++) tell(name, payload);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(call).toHaveBeenCalledTimes(times);
});

it("asks again when a message arrives around the answer, with longer pauses", async () => {
  const { part, call, total, put } = elsewhere(unread("a", 1));
  call.mockResolvedValue({ messages: 11 });
  part.connected();
  await vi.advanceTimersByTimeAsync(0);
  // The answer included it, and the client counts it too.
  put(unread("a", 2));
  expect(total()).toBe(12);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(total()).toBe(11);
  expect(call).toHaveBeenCalledTimes(2);
});

it("ignores an answer that comes after the connection was lost, and a server without the command", async () => {
  const { part, state, call } = elsewhere(unread("a", 1));
  call.mockResolvedValueOnce({ messages: 11 });
  part.connected();
  part.lost();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(state.getState().unreadElsewhere).toBe(0);
  call.mockRejectedValueOnce(new Error("unknown event"));
  part.connected();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(state.getState().unreadElsewhere).toBe(0);
});
