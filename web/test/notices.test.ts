import type { Notice, NoticeType, Offer } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { inOrder, isOffer } from "../src/chat/messages/extras";
import { merged, withNewest, withOlder } from "../src/chat/messages/notice_rules";
import { noticeText } from "../src/ui/timeline/notice_text";

const notice = (id: number, type: NoticeType, changes: Partial<Notice> = {}): Notice => ({
  id: String(id),
  conversationId: "c",
  type,
  createdAt: "2026-01-05T12:00:00.000Z",
  names: { ann: "Ann", bob: "Bob", cat: "Cat" },
  actorId: "ann",
  ...changes,
});
const idsOf = ({ notices }: { notices: readonly Notice[] }) => notices.map(({ id }) => Number(id));
const page = (ids: readonly number[], next: string | null = null) => ({
  notices: ids.map((id) => notice(id, "call")),
  next,
});

describe("loaded notices", () => {
  it("are in the order of time, each once", () => {
    const first = withNewest(undefined, page([30, 20], "20"));
    expect(idsOf(first)).toEqual([20, 30]);
    const older = withOlder(first, page([10]));
    expect([idsOf(older), older.next]).toEqual([[10, 20, 30], null]);
    const newer = withNewest(older, page([40, 30], "30"));
    expect([idsOf(newer), newer.next]).toEqual([[10, 20, 30, 40], null]);
  });

  it("have no gap: a page that does not reach the known ones replaces them", () => {
    const after = withNewest(page([10, 20]), page([90, 80], "80"));
    expect([idsOf(after), after.next]).toEqual([[80, 90], "80"]);
    expect(idsOf(withNewest(page([10]), page([30, 20])))).toEqual([10, 20, 30]);
  });

  it("stand among the offers", () => {
    const offer = { id: "15", amount: 1 } as Offer;
    const extras = inOrder([offer], page([10, 20]).notices);
    expect(extras.map(({ id }) => id)).toEqual(["10", "15", "20"]);
    expect(extras.map(isOffer)).toEqual([false, true, false]);
  });
});

describe("a notice says", () => {
  it.each<[string, Notice]>([
    ["Bob joined", notice(1, "joined", { actorId: "bob", userIds: ["bob"], userCount: 1 })],
    ["You and Bob left", notice(1, "left", { userIds: ["me", "bob"], userCount: 2 })],
    ["Bob and you joined", notice(1, "joined", { userIds: ["bob", "me"], userCount: 2 })],
    ["You left", notice(1, "left", { userIds: ["me"], userCount: 1 })],
    ["Ann added Bob, Cat, and 3 others", notice(1, "added", { userIds: ["bob", "cat"], userCount: 5 })],
    ["Someone removed you", notice(1, "removed", { actorId: "gone", userIds: ["me"], userCount: 1 })],
    [
      "Ann changed the name to “New” and removed the topic",
      notice(1, "changed", { changes: ["name", "topic"], name: "New" }),
    ],
    ["Ann changed the picture", notice(1, "changed", { changes: ["avatar"] })],
    ["Ann made the conversation public", notice(1, "changed", { changes: ["public"], public: true })],
    ["Ann turned off slow mode", notice(1, "changed", { changes: ["slowModeS"], slowModeS: 0 })],
    [
      "Ann turned on slow mode (one message every 30 seconds)",
      notice(1, "changed", { changes: ["slowModeS"], slowModeS: 30 }),
    ],
    [
      "Ann limited new members to messages sent after they join",
      notice(1, "changed", { changes: ["history"], history: "from-join" }),
    ],
    ["Ann made the conversation private", notice(1, "changed", { changes: ["public"], public: false })],
    ["Call ended after 3 min", notice(1, "call", { durationS: 181, reason: "hangup" })],
    ["Call ended after 45 s", notice(1, "call", { durationS: 45, reason: "hangup" })],
    ["Call ended after 1 h 5 min", notice(1, "call", { durationS: 3900, reason: "hangup" })],
    ["Missed call from Ann", notice(1, "call", { reason: "timeout" })],
    ["Declined call from Ann", notice(1, "call", { reason: "rejected" })],
    ["No one answered your call", notice(1, "call", { actorId: "me", reason: "timeout" })],
    ["Ann accepted an offer", notice(1, "offer", { offerId: "9", offerStatus: "accepted" })],
  ])("%s", (text, shown) => {
    expect(noticeText(shown, "me")).toBe(text);
  });

  it("who declined the reader's call", () => {
    const declined = notice(1, "call", { actorId: "me", reason: "rejected" });
    expect(noticeText(declined, "me", "Nora")).toBe("Nora declined your call");
    expect(noticeText(declined, "me", "Nora\u202e")).toBe("Nora declined your call");
    expect(noticeText(declined, "me", "\u05d3\u05e0\u05d4\u2069")).toBe(
      "\u2068\u05d3\u05e0\u05d4\u2069 declined your call",
    );
    expect(noticeText(declined, "me")).toBe("Someone declined your call");
    const ended = notice(1, "call", { actorId: "me", durationS: 45, reason: "hangup" });
    expect(noticeText(ended, "me", "Nora")).toBe("Call ended after 45 s");
  });

  it("which offer was answered", () => {
    const rejected = notice(1, "offer", { offerId: "9", offerStatus: "rejected" });
    const offer = { id: "9", title: "Bike", amount: 12050, currency: "EUR" } as Offer;
    expect(noticeText(rejected, "me", undefined, offer)).toBe("Ann rejected the offer “Bike” for €120.50");
  });

  it("nothing of a kind that the client does not know", () => {
    expect(noticeText(notice(1, "danced" as NoticeType), "me")).toBeNull();
    expect(noticeText(notice(1, "changed", { changes: ["colour" as "name"] }), "me")).toBeNull();
  });
});

it("users who join one after the other share a line", () => {
  const joined = (id: number, userId: string) => notice(id, "joined", { userIds: [userId], userCount: 1 });
  const lines = merged([joined(1, "ann"), joined(2, "bob"), joined(3, "bob"), notice(4, "call"), joined(5, "cat")]);
  expect(lines.map(({ type, userIds, userCount }) => [type, userIds, userCount])).toEqual([
    ["joined", ["ann", "bob"], 2],
    ["call", undefined, undefined],
    ["joined", ["cat"], 1],
  ]);
});
