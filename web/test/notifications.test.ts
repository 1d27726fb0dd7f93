import "fake-indexeddb/auto";
import type { ChatNotification, Weekday } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { AlertClaims } from "../src/chat/alerts/alert_claims";
import { unreadIn } from "../src/chat/alerts/alerts";
import { isListed, isQuiet, merged, unreadOf, withRead } from "../src/chat/alerts/notifications";
import { mayClaim } from "../src/chat/alerts/tabs";

const notified = (id: string, more: Partial<ChatNotification> = {}): ChatNotification => ({
  id,
  type: "direct",
  title: "bob",
  body: "hello",
  conversationId: "c",
  actorId: "bob",
  createdAt: "2026-03-01T10:00:00.000Z",
  ...more,
});

describe("notifications", () => {
  it("are merged without duplicates, newest first", () => {
    const received = [notified("12"), notified("10", { readAt: "now" })];
    const all = merged(received, [notified("11"), notified("10", { body: "changed" })]);
    expect(all.map(({ id }) => id)).toEqual(["12", "11", "10"]);
    expect(all[2]).toMatchObject({ body: "changed", readAt: "now" });
    expect(unreadOf(all)).toBe(2);
  });

  it("are read once", () => {
    const all = [notified("2"), notified("1", { readAt: "before" })];
    const read = withRead(all, () => true, "now");
    expect(read.map(({ readAt }) => readAt)).toEqual(["now", "before"]);
    expect(withRead(read, () => true, "later")).toBe(read);
  });
});

it("leaves out plain messages, which unread counts cover", () => {
  const types: ChatNotification["type"][] = ["direct", "mention", "message", "offer"];
  const all = types.map((type, index) => notified(`1${index}`, { type }));
  expect(all.filter(isListed).map(({ type }) => type)).toEqual(["mention", "offer"]);
  expect(unreadIn({ items: all, unread: 6, next: null, hasMessages: false })).toBe(4);
});

describe("an alert that several tabs claim", () => {
  it.each([
    [true, false, true],
    [true, true, true],
    [false, true, false],
    [false, false, true],
  ])("a tab with the focus (%s) beside another (%s) may claim it: %s", (isFocused, isOtherFocused, may) => {
    expect(mayClaim(isFocused, isOtherFocused)).toBe(may);
  });

  it("is given to one tab, until the claim expires", async () => {
    const tabs = [new AlertClaims("alice"), new AlertClaims("alice"), new AlertClaims("alice")];
    const taken = await Promise.all(tabs.map((tab) => tab.take("1", 0)));
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect(await new AlertClaims("alice").take("1", 0)).toBe(false);
    expect(await new AlertClaims("bob").take("1", 0)).toBe(true);
    await new AlertClaims("alice").clean(86_400_000);
    expect(await new AlertClaims("alice").take("1", 0)).toBe(false);
    await new AlertClaims("alice").clean(30 * 86_400_000);
    expect(await new AlertClaims("alice").take("1", 0)).toBe(true);
  });
});

describe("quiet hours", () => {
  const all: Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
  const night = { enabled: true, from: "22:00", to: "07:00", timeZone: "Europe/Berlin", days: all };
  // A Monday; Berlin is an hour ahead of UTC then.
  const at = (time: string): Date => new Date(`2026-03-02T${time}:00Z`);

  it("span midnight, in their time zone", () => {
    expect(["20:59", "21:00", "05:59", "06:00"].map((time) => isQuiet(night, at(time)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(isQuiet({ ...night, enabled: false }, at("23:00"))).toBe(false);
  });

  it("belong to the day on which they start", () => {
    const sunday = { ...night, days: ["sun"] as Weekday[] };
    expect(isQuiet(sunday, at("04:00"))).toBe(true);
    expect(isQuiet(sunday, at("21:30"))).toBe(false);
    const noon = { ...night, from: "12:00", to: "13:00", days: ["mon"] as Weekday[] };
    expect([isQuiet(noon, at("11:30")), isQuiet(noon, at("12:00"))]).toEqual([true, false]);
    expect(isQuiet({ ...night, from: "09:00", to: "09:00", days: ["mon"] }, at("08:00"))).toBe(true);
  });
});
