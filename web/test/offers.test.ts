import type { Conversation, Offer, OfferStatus } from "@talkwire/client";
import type { Timeline } from "@talkwire/client/parts";
import { describe, expect, it } from "vitest";
import { ME, message } from "../../clients/javascript/client/test/samples";
import { extrasByDay, reachesBack, rowsWithExtras } from "../src/chat/messages/extras";
import { type Extra, rowsOf } from "../src/chat/messages/rows";
import { amountText, digitsOf, formatAmount, groupedByDecimal, parseAmount } from "../src/chat/offers/money";
import {
  actionsOn,
  answererOf,
  endsSoon,
  isAuthorGone,
  nextExpiry,
  type OfferAction,
  statusAt,
  withOffers,
} from "../src/chat/offers/offer_rules";

const NOW = Date.parse("2026-03-01T10:00:00.000Z");

const offer = (id: string, more: Partial<Offer> = {}): Offer => ({
  id,
  conversationId: "c",
  authorId: "bob",
  title: "Bike",
  amount: 12000,
  currency: "EUR",
  status: "pending",
  history: [],
  createdAt: "2026-03-01T09:00:00.000Z",
  updatedAt: "2026-03-01T09:00:00.000Z",
  ...more,
});

describe("an amount", () => {
  it.each([
    ["120", "EUR", "en", 12000],
    ["120.5", "EUR", "en", 12050],
    ["120,50", "EUR", "en", 12050],
    ["1.234,50", "EUR", "en", 123450],
    ["1,234,567.5", "EUR", "de", 123456750],
    ["120,50", "EUR", "de", 12050],
    ["1,234.50", "EUR", "en", 123450],
    ["1.234,50", "EUR", "de", 123450],
    ["1 234,50", "EUR", "fr", 123450],
    ["1,234", "EUR", "en", 123400],
    ["1.234", "EUR", "de", 123400],
    ["1.234", "KWD", "en", 1234],
    ["1,234,567", "JPY", "en", 1234567],
    ["0.05", "EUR", "en", 5],
    ["7.", "EUR", "en", 700],
    ["90071992547409.91", "EUR", "en", Number.MAX_SAFE_INTEGER],
  ])("typed as %s in %s (%s) is %d of the smallest unit", (text, currency, locale, amount) => {
    expect(parseAmount(text, currency, locale)).toBe(amount);
  });

  it.each([
    ["", "EUR"],
    ["twelve", "EUR"],
    ["-1", "EUR"],
    ["1.005", "EUR"],
    ["1.2.3", "EUR"],
    ["1.234.50", "EUR"],
    ["1.23,50", "EUR"],
    [".5", "EUR"],
    ["1.5", "JPY"],
    ["90071992547409.92", "EUR"],
  ])("typed as %s in %s is invalid", (text, currency) => {
    expect(parseAmount(text, currency, "en")).toBeNull();
  });

  it.each([
    ["1.000", "en", { sign: ".", whole: "1000" }],
    [" 12.345.678 ", "en", { sign: ".", whole: "12345678" }],
    ["1,000", "de", { sign: ",", whole: "1000" }],
    ["1.00", "en", null],
    ["1.0005", "en", null],
    ["1,000", "en", null],
    ["1000.000", "en", null],
  ])("typed as %s (%s) may be a grouped number", (text, locale, grouped) => {
    expect(groupedByDecimal(text, locale)).toEqual(grouped);
  });

  it.each([
    ["EUR", 2, "€120.00"],
    ["JPY", 0, "¥12,000"],
    ["KWD", 3, "KWD 12.000"],
    ["IQD", 3, "IQD 12.000"],
    ["HUF", 2, "HUF 120.00"],
  ])("of 12000 in %s has %d decimals", (currency, digits, shown) => {
    expect(digitsOf(currency)).toBe(digits);
    expect(formatAmount(12000, currency, "en").replaceAll("\u00a0", " ")).toBe(shown);
  });

  it("can be formatted and parsed again without loss", () => {
    expect(amountText(5, "EUR", "de")).toBe("0,05");
    expect(parseAmount(amountText(123450, "EUR", "de"), "EUR", "de")).toBe(123450);
    expect(formatAmount(Number.MAX_SAFE_INTEGER, "EUR", "en")).toBe("€90,071,992,547,409.91");
  });
});

describe("an offer", () => {
  const MINE: readonly OfferAction[] = ["withdraw"];
  const ANSWERS: readonly OfferAction[] = ["accept", "counter", "reject"];
  it.each<[string, string, OfferStatus, boolean, boolean, readonly OfferAction[]]>([
    ["its author", ME, "pending", true, false, MINE],
    ["its author, who may not write any more,", ME, "pending", false, false, MINE],
    ["its author, who was blocked,", ME, "pending", true, true, MINE],
    ["another", "bob", "pending", true, false, ANSWERS],
    ["a reader of a channel", "bob", "pending", false, false, ["accept", "reject"]],
    ["one of a blocked pair", "bob", "pending", true, true, []],
    ...(["accepted", "rejected", "withdrawn", "countered", "expired"] as const).flatMap(
      (status): [string, string, OfferStatus, boolean, boolean, readonly OfferAction[]][] => [
        [`whoever made what is ${status}`, ME, status, true, false, []],
        [`another, when it is ${status},`, "bob", status, true, false, []],
      ],
    ),
  ])("allows %s their actions", (_, authorId, status, mayWrite, isBlocked, may) => {
    expect(actionsOn(offer("1", { authorId, status }), { myId: ME, mayWrite, isBlocked }, NOW)).toEqual(may);
  });

  it("of an author who is gone can only be rejected", () => {
    const member = (userId: string, erased?: true) => ({ userId, ...(erased && { erased }) });
    const among = (members: object[] | undefined, memberCount = members?.length) =>
      isAuthorGone(offer("1", { authorId: "bob" }), { members, memberCount } as Conversation);
    expect([among([member(ME)]), among([member(ME), member("bob", true)])]).toEqual([true, true]);
    expect([among([member("bob")]), among([member(ME)], 2), among(undefined)]).toEqual([false, false, false]);
    const given = { myId: ME, mayWrite: true, isAuthorGone: true };
    expect(actionsOn(offer("1", { authorId: "bob" }), given, NOW)).toEqual(["reject"]);
  });

  it("names who answered it", () => {
    const at = "2026-03-01T09:30:00.000Z";
    const history: Offer["history"] = [
      { status: "pending", at, by: "bob" },
      { status: "rejected", at, by: "carol" },
    ];
    expect(answererOf(offer("1", { status: "rejected", history }))).toBe("carol");
    expect(answererOf(offer("1", { status: "pending", history }))).toBeUndefined();
    expect(
      answererOf(offer("1", { status: "accepted", history: [{ status: "accepted", at, by: null }] })),
    ).toBeUndefined();
  });

  it("ends soon in its last day", () => {
    const ends = offer("1", { expiresAt: new Date(NOW).toISOString() });
    expect([endsSoon(ends, NOW - 86_400_000), endsSoon(ends, NOW - 86_399_999)]).toEqual([false, true]);
    expect(endsSoon(offer("2"), NOW)).toBe(false);
  });

  it("expires at its time, whatever the server has said yet", () => {
    const ends = offer("1", { expiresAt: new Date(NOW).toISOString() });
    expect([statusAt(ends, NOW - 1), statusAt(ends, NOW)]).toEqual(["pending", "expired"]);
    expect(statusAt({ ...ends, status: "accepted" }, NOW)).toBe("accepted");
    expect(actionsOn(ends, { myId: ME, mayWrite: true }, NOW)).toEqual([]);
    expect(nextExpiry([offer("2"), ends, { ...ends, status: "rejected" }], NOW - 5)).toBe(NOW);
    expect(nextExpiry([offer("2"), ends], NOW)).toBeNull();
  });

  it("that arrives late does not undo a newer event", () => {
    const accepted = offer("1", { status: "accepted", updatedAt: "2026-03-01T09:30:00.000Z" });
    expect(withOffers([accepted], [offer("1"), offer("0")]).map(({ id, status }) => [id, status])).toEqual([
      ["0", "pending"],
      ["1", "accepted"],
    ]);
  });
});

describe("offers among messages", () => {
  const messages = [10, 20, 30].map((id, index) => message(index + 1, { id: String(id) }));
  const placed = (ids: readonly string[], { atStart = true, atEnd = true } = {}) => {
    const timeline: Timeline = { messages, atStart, atEnd };
    return rowsWithExtras(
      rowsOf(timeline, null, ME),
      ids.map((id) => offer(id)),
      timeline,
    );
  };
  const idsOf = (extras: readonly Extra[] = []) => extras.map(({ id }) => id);

  it("are in the row of the message that they follow", () => {
    const rows = placed(["5", "15", "16", "35"]);
    expect(rows.map((row) => [idsOf(row.extrasBefore), idsOf(row.extrasAfter)])).toEqual([
      [["5"], ["15", "16"]],
      [[], []],
      [[], ["35"]],
    ]);
    expect(rows.map(({ message: { id } }) => id)).toEqual(["10", "20", "30"]);
  });

  it("separate messages that would be grouped otherwise", () => {
    expect(placed([]).map(({ continued }) => continued)).toEqual([false, true, true]);
    expect(placed(["15"]).map(({ continued }) => continued)).toEqual([false, false, true]);
  });

  it("are not shown where the messages between are not loaded", () => {
    const rows = placed(["5", "15", "35"], { atStart: false, atEnd: false });
    expect(rows.flatMap((row) => [...idsOf(row.extrasBefore), ...idsOf(row.extrasAfter)])).toEqual(["15"]);
  });

  it("stand under the heading of their day, once a day", () => {
    const days = [1, 2].map((day) => `2026-01-0${day}T12:00:00.000Z`);
    const messages = [
      message(1, { id: "10", createdAt: days[0] ?? "" }),
      message(2, { id: "40", createdAt: days[1] ?? "" }),
    ];
    const at = (id: string, day: number) => offer(id, { createdAt: days[day] ?? "" });
    const timeline: Timeline = { messages, atStart: true, atEnd: true };
    const extras = [at("5", 0), at("20", 0), at("30", 1), at("31", 1), at("50", 1)];
    const [first, second] = rowsWithExtras(rowsOf(timeline, null, ME), extras, timeline);
    expect([first?.startsDay, second?.startsDay]).toEqual([false, false]);
    const shown = (of: readonly Extra[] = [], after?: { createdAt: string }) =>
      extrasByDay(of, after).map(({ startsDay, extras: ofDay }) => [startsDay, ...idsOf(ofDay)]);
    expect(shown(first?.extrasBefore)).toEqual([[true, "5"]]);
    expect(shown(first?.extrasAfter, messages[0])).toEqual([
      [false, "20"],
      [true, "30", "31"],
    ]);
    expect(shown(second?.extrasAfter, messages[1])).toEqual([[false, "50"]]);
    // Without them, the second message has the heading.
    const [, plain] = rowsWithExtras(rowsOf(timeline, null, ME), [at("5", 0)], timeline);
    expect(plain?.startsDay).toBe(true);
  });

  it("are loaded as far back as messages", () => {
    const timeline: Timeline = { messages, atStart: false, atEnd: true };
    expect(reachesBack([offer("15")], timeline)).toBe(true);
    expect(reachesBack([offer("5")], timeline)).toBe(false);
    expect(reachesBack([offer("5")], { ...timeline, atStart: true })).toBe(true);
  });
});
