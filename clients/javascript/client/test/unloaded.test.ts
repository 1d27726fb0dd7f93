import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import type { Client } from "../src/client.ts";
import { Unloaded } from "../src/desk/unloaded.ts";
import type { Conversation } from "../src/server/payloads.ts";
import { conversation, message } from "./samples.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A client whose list has this first page, and more. */
function world(page: readonly Conversation[]) {
  const state = createStore(() => ({ conversations: {} as Record<string, Conversation> }));
  const handlers = new Map<string, (payload: unknown) => void>();
  const asked: string[] = [];
  const put = (all: readonly Conversation[]) =>
    state.setState(({ conversations }) => ({
      conversations: { ...conversations, ...Object.fromEntries(all.map((each) => [each.id, each])) },
    }));
  const client = {
    core: {
      on: (name: string, handler: (payload: unknown) => void) => handlers.set(name, handler),
      rest: {
        get: async (path: string) => {
          asked.push(path);
          return { items: page, next: "more" };
        },
      },
    },
    conversations: {
      load: async (id: string) => void asked.push(id),
      loadAs: async (request: () => Promise<readonly Conversation[]>) => put(await request()),
    },
  } as unknown as Client;
  new Unloaded(client);
  const say = async (...ids: string[]) => {
    for (const id of ids)
      if (!Object.hasOwn(state.getState().conversations, id)) client.onUnloaded(message(10, { conversationId: id }));
    await vi.advanceTimersByTimeAsync(1_000);
  };
  return { asked, state, say, client, emit: (name: string, payload: unknown) => handlers.get(name)?.(payload) };
}

const LIST = "conversations?limit=20";
const at = (id: string, minute: number) => conversation(id, { lastMessage: message(minute), lastSeq: minute });

it("finds those of the list among many by one request, and asks for the others once", async () => {
  const { asked, state, say, client, emit } = world([at("listed", 10), at("other", 9), at("old", 5)]);
  await say("listed", ...Array.from({ length: 50 }, (_, number) => `customer-${number}`));
  expect(asked).toEqual([LIST]);
  expect(Object.keys(state.getState().conversations)).toEqual(["listed"]);
  await say("customer-1", "customer-2", "listed");
  expect(asked).toEqual([LIST]);
  expect([client.isUnlisted("customer-1"), client.isUnlisted("unknown")]).toEqual([true, false]);
  emit("conversation:listed", { conversationId: "customer-1" });
  await say("customer-1");
  expect(asked).toEqual([LIST, LIST]);
});

it("loads one by itself that may follow on the next page", async () => {
  const { asked, say } = world([at("other", 12), at("another", 11)]);
  await say("further");
  expect(asked).toEqual([LIST, "further"]);
});
