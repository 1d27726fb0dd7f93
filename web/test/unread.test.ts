import type { Conversation, Notice, Offer } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { conversation, message } from "../../clients/javascript/client/test/samples";
import { sectionsOf } from "../src/chat/conversations/list_sections";
import { hasUnread, newestOffer, totalElsewhere, totalOf, unreadOf } from "../src/chat/conversations/unread";

const ON = { offers: true, offerCurrency: "EUR" };
const OFF = { ...ON, offers: false };
const lastOffer = { id: "20" } as Offer;

describe("with offers", () => {
  it("unread ones are counted with the messages, and not without", () => {
    const one = conversation("c", { unreadCount: 2, unreadOfferCount: 3 });
    expect([unreadOf(one, ON), unreadOf(one, OFF), unreadOf(conversation("d"), ON)]).toEqual([5, 2, 0]);
  });

  it("they alone are something unread, and not without", () => {
    const all = { c: conversation("c", { unreadOfferCount: 1 }) };
    expect([hasUnread(all, ON), hasUnread(all, OFF), hasUnread({}, ON)]).toEqual([true, false, false]);
  });

  it("nothing is unread in conversations that are not in the reader's list", () => {
    const all = { c: conversation("c", { listed: false, unreadCount: 2, unreadOfferCount: 1 }) };
    expect([hasUnread(all, ON), totalOf(all, ON), totalElsewhere(all, all.c, ON)]).toEqual([false, 0, 0]);
  });

  it("the title counts those of conversations that are neither muted nor archived", () => {
    const more = { unreadCount: 2, mentionCount: 1, unreadOfferCount: 3 };
    const all = {
      a: conversation("a", more),
      b: conversation("b", { ...more, muted: true }),
      c: conversation("c", { ...more, archived: true }),
    };
    expect([totalOf(all, ON), totalOf(all, OFF)]).toEqual([7, 4]);
    const elsewhere = Object.values(all).map((here) => totalElsewhere(all, here, ON));
    expect([elsewhere, totalElsewhere(all, all.a, OFF)]).toEqual([[2, 6, 6], 2]);
  });

  it("the newest one is shown until there is a newer message", () => {
    const at = (id: string) => conversation("c", { lastOffer, lastMessage: message(1, { id }) });
    expect(newestOffer(at("19"), ON)).toBe(lastOffer);
    expect(newestOffer(at("21"), ON)).toBeUndefined();
    expect(newestOffer(at("19"), OFF)).toBeUndefined();
    expect(newestOffer(conversation("c", { lastOffer }), ON)).toBe(lastOffer);
    expect(newestOffer(conversation("c"), ON)).toBeUndefined();
  });

  it("the newest one is shown until there is a newer call", () => {
    const called = (id: string) =>
      conversation("c", { lastOffer, lastMessage: message(1, { id: "18" }), lastCall: { id } as Notice });
    expect(newestOffer(called("19"), ON)).toBe(lastOffer);
    expect(newestOffer(called("21"), ON)).toBeUndefined();
  });
});

it("an archived favourite is in the archive", () => {
  const sections = sectionsOf([
    conversation("a"),
    conversation("b", { favourite: true }),
    conversation("c", { archived: true }),
    conversation("d", { favourite: true, archived: true }),
  ]);
  const idsOf = (all: readonly Conversation[]): string[] => all.map(({ id }) => id);
  expect(idsOf(sections.favourites)).toEqual(["b"]);
  expect(idsOf(sections.others)).toEqual(["a"]);
  expect(idsOf(sections.archived)).toEqual(["c", "d"]);
});
