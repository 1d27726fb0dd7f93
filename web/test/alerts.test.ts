import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Alerts, unreadIn } from "../src/chat/alerts/alerts";
import type { Core } from "../src/chat/core";
import type { Notified } from "../src/server/payloads";

const notified = (id: string, more: Partial<Notified> = {}): Notified => ({
  id,
  type: "mention",
  title: "bob",
  conversationId: "c",
  actorId: "bob",
  createdAt: "2026-03-01T10:00:00.000Z",
  messageId: id,
  ...more,
});

const begin = () => {
  const handlers = new Map<string, (payload: never) => void>();
  const api = { get: vi.fn(), post: vi.fn(async () => undefined) };
  const core = {
    now: { me: { id: "me" }, openId: null, keptUnread: null },
    api,
    on: (name: string, handler: (payload: never) => void) => handlers.set(name, handler),
    state: { subscribe: () => undefined },
  };
  const alerts = new Alerts(core as unknown as Core);
  vi.spyOn(alerts.tabs, "claim").mockResolvedValue(false);
  const tell = (name: string, payload: object) => handlers.get(name)?.(payload as never);
  return { alerts, api, tell, unread: () => unreadIn(alerts.state.getState()) };
};

beforeEach(() => void vi.stubGlobal("document", { visibilityState: "hidden", hasFocus: () => false }));
afterEach(() => void vi.unstubAllGlobals());

it("the bell counts what the server counts, of which one page is here", async () => {
  const { alerts, api, unread } = begin();
  api.get.mockResolvedValueOnce({ items: [notified("10")], next: "10", unread: 70 });
  await alerts.load();
  expect(unread()).toBe(70);
});

it("what is told is counted once, and only what is stored", () => {
  const { alerts, tell, unread } = begin();
  tell("notification", notified("10"));
  tell("notification", notified("10"));
  tell("notification", notified("11", { type: "direct" }));
  tell("notification", notified("12", { type: "message" }));
  tell("notification", notified("13", { type: "missed-call" }));
  expect(unread()).toBe(2);
  expect(alerts.state.getState().items.map(({ id }) => id)).toEqual(["13", "10"]);
});

it("what was read on another device is read here", () => {
  const { alerts, tell, unread } = begin();
  for (const id of ["10", "11", "12"]) tell("notification", notified(id));
  const read: (readonly string[])[] = [];
  alerts.onRead = (ids) => read.push(ids);
  tell("notification:read", { ids: ["11"], unread: 2 });
  expect(unread()).toBe(2);
  tell("notification:read", { all: true, unread: 0 });
  expect(unread()).toBe(0);
  expect(read).toEqual([["11"], ["12", "10"]]);
});

it("what is not stored is taken away with its message", () => {
  const { alerts, tell } = begin();
  tell("notification", notified("11", { type: "direct" }));
  const read: (readonly string[])[] = [];
  alerts.onRead = (ids) => read.push(ids);
  tell("message:read:receipt", { conversationId: "c", userId: "me", messageId: "11" });
  expect(read).toEqual([["11"]]);
});
