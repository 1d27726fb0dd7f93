import { expect, test } from "vitest";
import { filterConversations } from "../src/chat/conversations/conversation_filter";
import { conversation } from "./samples";

const ALL = [
  conversation("Plans"),
  conversation("Plants", { unreadCount: 2 }),
  conversation("News", { unreadCount: 1 }),
];
const ids = (wanted: { query: string; unreadOnly: boolean }, openId: string | null = null): string[] =>
  filterConversations(ALL, ({ name = "" }) => name, wanted, openId).map(({ id }) => id);

test("without a wish all are listed, in their order", () => {
  expect(ids({ query: " ", unreadOnly: false })).toEqual(["Plans", "Plants", "News"]);
});

test("those of a name, those with something unread, and both", () => {
  expect(ids({ query: "pla", unreadOnly: false })).toEqual(["Plans", "Plants"]);
  expect(ids({ query: "", unreadOnly: true })).toEqual(["Plants", "News"]);
  expect(ids({ query: "pla", unreadOnly: true })).toEqual(["Plants"]);
});

test("the open one does not go away while it is read", () => {
  expect(ids({ query: "", unreadOnly: true }, "Plans")).toEqual(["Plans", "Plants", "News"]);
});
