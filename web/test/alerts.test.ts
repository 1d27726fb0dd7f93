import "fake-indexeddb/auto";
import type { ChatNotification } from "@talkwire/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { conversation } from "../../clients/javascript/client/test/samples";
import { Alerts, unreadIn, withMissedCall } from "../src/chat/alerts/alerts";
import { unreadOf } from "../src/chat/alerts/notifications";
import { PageCore } from "../src/chat/page_core";
import { eventually } from "./waiting";

const notified = (id: string, more: Partial<ChatNotification> = {}): ChatNotification => ({
  id,
  type: "mention",
  title: "bob",
  body: "",
  conversationId: "c",
  actorId: "bob",
  createdAt: "2026-03-01T10:00:00.000Z",
  messageId: id,
  ...more,
});

const begin = (now: object = {}) => {
  const handlers = new Map<string, (payload: never) => void>();
  const api = { get: vi.fn(), post: vi.fn(async () => undefined) };
  const call = vi.fn();
  const core = {
    now: { me: { id: "me" }, caughtUp: true, openId: null, keptUnread: null, watched: false, ...now },
    api,
    call,
    on: (name: string, handler: (payload: never) => void) => handlers.set(name, handler),
    isWatched: PageCore.prototype.isWatched,
  };
  const alerts = new Alerts(core as unknown as PageCore);
  vi.spyOn(alerts.tabs, "claim").mockResolvedValue(false);
  const tell = (name: string, payload: object) => handlers.get(name)?.(payload as never);
  return { alerts, api, call, tell, unread: () => unreadIn(alerts.state.getState()) };
};

beforeEach(() => void vi.stubGlobal("document", { visibilityState: "hidden", hasFocus: () => false }));
afterEach(() => void vi.unstubAllGlobals());

it("the bell shows the server's count, of which one page is loaded", async () => {
  const { alerts, api, unread } = begin();
  api.get.mockResolvedValueOnce({ items: [notified("10")], next: "10", unread: 70 });
  await alerts.load();
  expect(unread()).toBe(70);
});

it("a notification is counted once, and only if the server stores it", () => {
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

it("a notification that is not stored is closed when its message is read", () => {
  const { alerts, tell } = begin();
  tell("notification", notified("11", { type: "direct" }));
  const read: (readonly string[])[] = [];
  alerts.onRead = (ids) => read.push(ids);
  tell("message:read:receipt", { conversationId: "c", userId: "me", messageId: "11" });
  expect(read).toEqual([["11"]]);
});

const look = () => vi.stubGlobal("document", { visibilityState: "visible", hasFocus: () => true });

it("a message that arrives while the reader has scrolled up is counted, as the server counts it", () => {
  look();
  const { tell, unread } = begin({ openId: "c" });
  tell("notification", notified("10"));
  expect(unread()).toBe(1);
  const atEnd = begin({ openId: "c", watched: true });
  atEnd.tell("notification", notified("10"));
  expect(atEnd.unread()).toBe(0);
});

it("a call that was missed without a connection is read once the reader is back at the end", async () => {
  look();
  const { alerts, tell, unread } = begin({ openId: "c", caughtUp: false, watched: true, conversations: {} });
  const { messageId: _, ...call } = notified("10", { type: "missed-call" });
  tell("notification", call);
  expect(unread()).toBe(1);
  await alerts.markSeen("c");
  expect(unread()).toBe(0);
});

it("a missed call is read in the open conversation, and an offer once its card is in sight", async () => {
  look();
  const { alerts, api, tell, unread } = begin({ openId: "c" });
  const { messageId: _, ...ofNoMessage } = notified("10", { type: "missed-call" });
  tell("notification", ofNoMessage);
  expect(unread()).toBe(0);
  expect(api.post).toHaveBeenCalledWith("notifications/read", { ids: ["10"] });
  tell("notification", { ...ofNoMessage, id: "11", type: "offer", offerId: "1" });
  expect(unread()).toBe(1);
  await alerts.markOfferSeen("2");
  expect(unread()).toBe(1);
  await alerts.markOfferSeen("1");
  expect(unread()).toBe(0);
  expect(api.post).toHaveBeenLastCalledWith("notifications/read", { ids: ["1", "11"] });
});

it("knows the conversations with missed calls, also older ones, and reads those of one or of all", async () => {
  const { alerts, api, unread } = begin();
  const missed = (id: string, conversationId: string): ChatNotification => {
    const { messageId: _, ...notification } = notified(id, { type: "missed-call", conversationId });
    return notification;
  };
  const newest = [notified("20"), missed("19", "d"), { ...missed("18", "e"), readAt: "2026-03-01T11:00:00.000Z" }];
  api.get.mockResolvedValueOnce({ items: newest, next: "18", unread: 4 });
  api.get.mockResolvedValueOnce({ items: [missed("10", "c"), missed("9", "c")], next: null, unread: 4 });
  const where = () => [...withMissedCall(alerts.state.getState().items)];
  alerts.connected();
  await eventually(() => expect(where()).toEqual(["d", "c"]));
  expect(api.get).toHaveBeenLastCalledWith("notifications?unread=true&limit=100");
  await alerts.markCallsRead("c");
  expect(api.post).toHaveBeenLastCalledWith("notifications/read", { ids: ["10", "9"] });
  expect(where()).toEqual(["d"]);
  await alerts.markCallsRead();
  expect(api.post).toHaveBeenLastCalledWith("notifications/read", { ids: ["19"] });
  expect(unread()).toBe(1);
});

it("reads all offers of conversations, also older ones and those that came without a notification", async () => {
  const { alerts, api, call, tell, unread } = begin();
  call.mockResolvedValueOnce({ offers: [{ id: "3" }] });
  const { messageId: _, ...offer } = notified("10", { type: "offer", offerId: "1" });
  tell("notification", offer);
  tell("notification", notified("11"));
  api.get.mockResolvedValueOnce({ items: [notified("11"), offer], next: "10", unread: 4 }).mockResolvedValueOnce({
    items: [
      { ...offer, id: "8" },
      { ...offer, id: "9", conversationId: "d" },
    ],
    next: null,
  });
  await alerts.markOffersRead([
    conversation("c", { unreadOfferCount: 2 }),
    conversation("muted", { muted: true, unreadOfferCount: 1 }),
  ]);
  expect(unread()).toBe(1);
  expect(call.mock.calls).toEqual([["offers:list", { conversationId: "muted", limit: 100 }]]);
  expect(api.post.mock.calls).toEqual([["notifications/read", { ids: ["10", "8", "3"] }]]);
});

it("a decision on a report is counted and announced, whichever conversation is open, until it is read in the bell", async () => {
  look();
  const { alerts, api, tell, unread } = begin({ openId: "c", watched: true, conversations: {} });
  vi.spyOn(alerts.tabs, "claim").mockResolvedValue(true);
  const announced = vi.spyOn(alerts, "onAlert");
  const { messageId: _, ...decision } = notified("10", { type: "moderation", outcome: "delete" });
  tell("notification", decision);
  await eventually(() => expect(announced).toHaveBeenCalledTimes(1));
  await alerts.markSeen("c");
  expect(unread()).toBe(1);
  expect(api.post).not.toHaveBeenCalled();
  await alerts.markRead(["10"]);
  expect(unread()).toBe(0);
  expect(api.post).toHaveBeenCalledWith("notifications/read", { ids: ["10"] });
});

it("what comes into sight is counted while messages above it are skipped, but not announced", async () => {
  look();
  const { alerts, tell, unread } = begin({ openId: "c", watched: true, skips: true });
  vi.spyOn(alerts.tabs, "claim").mockResolvedValue(true);
  const announced = vi.spyOn(alerts, "onAlert");
  tell("notification", notified("10"));
  expect(unread()).toBe(1);
  tell("notification", notified("11", { conversationId: "d" }));
  await eventually(() => expect(announced).toHaveBeenCalledTimes(1));
  expect(announced.mock.calls[0]?.[0].notification.id).toBe("11");
});

it("a quiet notification is counted, but not announced; a direct message is kept, but not counted", async () => {
  const { alerts, tell, unread } = begin();
  vi.spyOn(alerts.tabs, "claim").mockResolvedValue(true);
  const announced: string[] = [];
  alerts.onAlert = ({ notification }) => announced.push(notification.id);
  tell("notification", notified("10", { quiet: true }));
  tell("notification", notified("11", { type: "direct", quiet: true }));
  tell("notification", notified("12"));
  await eventually(() => expect(announced).toEqual(["12"]));
  expect(unread()).toBe(2);
  expect(alerts.state.getState().items.map(({ id }) => id)).toEqual(["12", "11", "10"]);
});

it("a quiet direct message is read with its message, whenever the server stores it", () => {
  const { alerts, tell } = begin();
  const unread = () => unreadOf(alerts.state.getState().items);
  for (const id of ["10", "11"]) tell("notification", notified(id, { type: "direct", quiet: true }));
  tell("message:read:receipt", { conversationId: "c", userId: "me", messageId: "10" });
  expect(unread()).toBe(1);
  tell("conversation:unread", { conversationId: "c", unreadCount: 0 });
  expect(unread()).toBe(0);
});

it("a mention in a thread stays unread when its conversation is read", () => {
  look();
  const { tell, unread } = begin({ openId: "c", watched: true });
  tell("notification", notified("10", { threadId: "5" }));
  expect(unread()).toBe(1);
  tell("message:read:receipt", { conversationId: "c", userId: "me", messageId: "10" });
  tell("conversation:unread", { conversationId: "c", unreadCount: 0 });
  expect(unread()).toBe(1);
  tell("notification:read", { ids: ["10"], unread: 0 });
  expect(unread()).toBe(0);
});

it.each([
  ["notification", notified("11"), 2],
  ["notification:read", { ids: ["10"], unread: 0 }, 0],
])("a %s that arrives while the list is being loaded is not lost", async (name, payload, expected) => {
  const { alerts, api, tell, unread } = begin();
  const newer = { items: [], next: null, unread: expected };
  api.get.mockImplementationOnce(async () => {
    tell(name, payload);
    return { items: [notified("10")], next: null, unread: 1 };
  });
  api.get.mockResolvedValueOnce(newer);
  await alerts.load();
  expect(unread()).toBe(expected);
  expect(api.get).toHaveBeenCalledTimes(2);
});

it("loading ends, however many events arrive meanwhile", async () => {
  const { alerts, api, tell, unread } = begin();
  api.get.mockImplementation(async () => {
    tell("notification:read", { ids: [], unread: 0 });
    return { items: [], next: null, unread: api.get.mock.calls.length };
  });
  await alerts.load();
  expect(unread()).toBe(3);
});

it.each([
  ["member:removed", { conversationId: "c", userId: "me" }],
  ["conversation:deleted", { conversationId: "c" }],
])("after %s no notification of the conversation is listed or shown", async (name, payload) => {
  const { alerts, api, tell, unread } = begin();
  api.get.mockResolvedValue({ items: [], next: null, unread: 1 });
  const taken: string[] = [];
  alerts.onRead = (ids) => taken.push(...ids);
  tell("notification", notified("10"));
  tell("notification", notified("11", { conversationId: "d" }));
  tell("notification", notified("12", { type: "direct" }));
  tell("member:removed", { conversationId: "d", userId: "bob" });
  tell(name, payload);
  expect(unread()).toBe(1);
  await eventually(() => expect(api.get).toHaveBeenCalled());
  expect(alerts.state.getState().items.map(({ id }) => id)).toEqual(["11"]);
  expect(taken.sort()).toEqual(["10", "12"]);
});
