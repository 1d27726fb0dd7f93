import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { Unloaded } from "../src/conversations/unloaded.ts";
import type { Core } from "../src/core.ts";
import type { Conversation } from "../src/server/payloads.ts";
import { conversation, message } from "./samples.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A list whose first page has `page`, of which `nextConversations` says whether there is more. */
function world(page: readonly Conversation[], nextConversations: string | null = "next") {
  const state = createStore(() => ({ conversations: {} as Record<string, Conversation>, nextConversations }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const asked: string[] = [];
  const put = (all: readonly Conversation[]) =>
    state.setState(({ conversations }) => ({
      conversations: { ...conversations, ...Object.fromEntries(all.map((each) => [each.id, each])) },
    }));
  const core = {
    get now() {
      return state.getState();
    },
    on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
    rest: {
      get: async (path: string) => {
        asked.push(path);
        return { items: page, next: "more" };
      },
    },
  } as unknown as Core;
  const unloaded = new Unloaded(core, {
    load: async (id) => void asked.push(id),
    loadAs: async (request) => {
      const loaded = await request();
      put(loaded);
      return loaded;
    },
  });
  const say = async (...ids: string[]) => {
    for (const id of ids) handlers.get("message:new")?.(message(10, { conversationId: id }));
    await vi.advanceTimersByTimeAsync(1_000);
  };
  return { asked, state, say, unloaded, emit: (name: string, payload: unknown) => handlers.get(name)?.(payload) };
}

const LIST = "conversations?limit=20";
const at = (id: string, minute: number) => conversation(id, { lastMessage: message(minute), lastSeq: minute });

it("loads nothing while the whole list is loaded", async () => {
  const { asked, say } = world([], null);
  await say("a", "b", "c");
  expect(asked).toEqual([]);
});

it("finds those of the list among many by one request, and asks for the others once", async () => {
  const { asked, state, say, unloaded, emit } = world([at("listed", 10), at("other", 9), at("old", 5)]);
  await say("listed", ...Array.from({ length: 50 }, (_, number) => `customer-${number}`));
  expect(asked).toEqual([LIST]);
  expect(Object.keys(state.getState().conversations)).toEqual(["listed"]);
  await say("customer-1", "customer-2", "listed");
  expect(asked).toEqual([LIST]);
  expect([unloaded.isUnlisted("customer-1"), unloaded.isUnlisted("unknown")]).toEqual([true, false]);
  emit("conversation:listed", { conversationId: "customer-1" });
  await say("customer-1");
  expect(asked).toEqual([LIST, LIST]);
});

it("loads one by itself that may follow on the next page", async () => {
  const { asked, say } = world([at("other", 12), at("another", 11)]);
  await say("further");
  expect(asked).toEqual([LIST, "further"]);
});
