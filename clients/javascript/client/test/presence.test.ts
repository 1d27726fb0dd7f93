import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Core } from "../src/core.ts";
import { PresenceStore } from "../src/people/presence.ts";
import type { Presence } from "../src/server/payloads.ts";

let received: (presence: Presence) => void;
let sent: unknown[];
let store: PresenceStore;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  sent = [];
  store = new PresenceStore({
    now: { me: { id: "me" } },
    on: (_name: string, handler: (presence: Presence) => void) => {
      received = handler;
    },
    call: async (_name: string, payload: unknown) => void sent.push(payload),
  } as unknown as Core);
});
afterEach(() => {
  vi.useRealTimers();
});

const after = (ms: number): string => new Date(Date.now() + ms).toISOString();
const bob = (): Presence | undefined => store.state.getState().bob;
const presence = (changes: Partial<Presence>): Presence => ({
  userId: "bob",
  status: "online",
  text: null,
  lastSeenAt: null,
  statusUntil: null,
  textUntil: null,
  ...changes,
});

test("a status and a text end at their times", () => {
  received(presence({ status: "dnd", statusUntil: after(2_000), text: "Lunch", textUntil: after(1_000) }));
  vi.advanceTimersByTime(999);
  expect(bob()).toMatchObject({ status: "dnd", text: "Lunch" });
  vi.advanceTimersByTime(1);
  expect(bob()).toMatchObject({ status: "dnd", text: null, textUntil: null });
  vi.advanceTimersByTime(1_000);
  expect(bob()).toEqual(presence({}));
});

test("what ended before it was received is not shown", () => {
  received(presence({ status: "offline", text: "Lunch", textUntil: after(0) }));
  expect(bob()).toEqual(presence({ status: "offline" }));
});

test("a new status keeps the text with its end, and a new text replaces both", async () => {
  await store.set("dnd", "Lunch", { statusUntil: after(2_000), textUntil: after(1_000) });
  expect(store.mine).toMatchObject({ statusUntil: after(2_000), textUntil: after(1_000) });
  await store.set("away");
  expect(store.mine).toMatchObject({ status: "away", text: "Lunch", statusUntil: null, textUntil: after(1_000) });
  await store.set("away", "Back soon");
  expect(store.mine).toMatchObject({ text: "Back soon", textUntil: null });
  expect(sent.slice(1)).toEqual([{ status: "away" }, { status: "away", text: "Back soon" }]);
});
