import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import type { ConversationStore } from "../src/conversations/conversation_store.ts";
import { MuteEnds } from "../src/conversations/mute_ends.ts";
import type { Core } from "../src/core.ts";
import type { Conversation } from "../src/server/payloads.ts";
import { conversation } from "./samples.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function muteEnds() {
  const state = createStore<{ conversations: Record<string, Conversation> }>(() => ({ conversations: {} }));
  const loaded: string[] = [];
  const core = {
    state,
    get now() {
      return state.getState();
    },
  } as unknown as Core;
  const part = new MuteEnds(core, { load: async (id: string) => loaded.push(id) } as unknown as ConversationStore);
  const put = (id: string, forMs: number, changes: Partial<Conversation> = {}): void =>
    state.setState(({ conversations }) => ({
      conversations: {
        ...conversations,
        [id]: conversation(id, {
          muted: true,
          mutedUntil: new Date(Date.now() + forMs).toISOString(),
          ...changes,
        }),
      },
    }));
  const muted = (): string[] =>
    Object.values(state.getState().conversations)
      .filter((each) => each.muted)
      .map(({ id }) => id);
  return { part, put, muted, loaded, state };
}

it("ends each mute at its time", () => {
  const { put, muted, state } = muteEnds();
  put("late", 2_000);
  put("soon", 1_000);
  vi.advanceTimersByTime(999);
  expect(muted()).toEqual(["late", "soon"]);
  vi.advanceTimersByTime(1);
  expect(muted()).toEqual(["late"]);
  expect(state.getState().conversations.soon).not.toHaveProperty("mutedUntil");
  vi.advanceTimersByTime(1_000);
  expect(muted()).toEqual([]);
});

it("ends a mute whose time passed before it was received", () => {
  const { put, muted } = muteEnds();
  put("past", -1);
  expect(muted()).toEqual([]);
});

it("keeps a mute for longer than the longest timer", () => {
  const { put, muted } = muteEnds();
  const timer = vi.spyOn(globalThis, "setTimeout");
  put("c", 2 ** 31 + 1_000);
  // Browsers end a longer timer at once.
  expect(timer.mock.lastCall?.[1]).toBeLessThan(2 ** 31);
  vi.advanceTimersByTime(2 ** 31);
  expect(muted()).toEqual(["c"]);
  vi.advanceTimersByTime(1_000);
  expect(muted()).toEqual([]);
});

it("asks once whether an archived conversation is back", () => {
  const { put, muted, loaded } = muteEnds();
  put("c", 1_000, { archived: true });
  put("other", 1_000);
  vi.advanceTimersByTime(1_000);
  expect(loaded).toEqual(["c"]);
  put("c", 0, { archived: true });
  expect(loaded).toEqual(["c"]);
  expect(muted()).toEqual([]);
});

it("ends no mutes after the end of the session", () => {
  const { part, put, muted } = muteEnds();
  put("c", 1_000);
  part.stopped();
  vi.advanceTimersByTime(1_000);
  expect(muted()).toEqual(["c"]);
});
