import type { Offer } from "@talkwire/client";
import { expect, test } from "vitest";
import { conversation } from "../../clients/javascript/client/test/samples";
import { filterConversations, isUsed } from "../src/chat/conversations/conversation_filter";

const ALL = [
  conversation("Plans"),
  conversation("Plants", { unreadCount: 2 }),
  conversation("News", { unreadCount: 1 }),
];
const ids = (
  wanted: { query: string; unreadOnly: boolean },
  openId: string | null = null,
  missed: ReadonlySet<string> = new Set(),
): string[] => filterConversations(ALL, ({ name = "" }) => name, { missed, ...wanted }, openId).map(({ id }) => id);

test("an empty filter lists all conversations in order", () => {
  expect(ids({ query: " ", unreadOnly: false })).toEqual(["Plans", "Plants", "News"]);
});

test("filters by name, by unread, and by both", () => {
  expect(ids({ query: "pla", unreadOnly: false })).toEqual(["Plans", "Plants"]);
  expect(ids({ query: "", unreadOnly: true })).toEqual(["Plants", "News"]);
  expect(ids({ query: "pla", unreadOnly: true })).toEqual(["Plants"]);
});

test("a missed call that is not read is unread", () => {
  expect(ids({ query: "", unreadOnly: true }, null, new Set(["Plans"]))).toEqual(["Plans", "Plants", "News"]);
});

test("the open conversation stays while it is read", () => {
  expect(ids({ query: "", unreadOnly: true }, "Plans")).toEqual(["Plans", "Plants", "News"]);
});

test("a direct conversation is used from its first message, call or offer on, or where the reader has put it", () => {
  const direct = conversation("d", { kind: "direct", lastSeq: 0 });
  expect(isUsed(direct)).toBe(false);
  expect(isUsed({ ...direct, kind: "group" })).toBe(true);
  expect(isUsed({ ...direct, lastSeq: 1 })).toBe(true);
  expect(isUsed({ ...direct, lastOffer: { id: "1" } as Offer })).toBe(true);
  expect(isUsed({ ...direct, favourite: true })).toBe(true);
});
