import { afterEach, expect, it } from "vitest";
import { conversation } from "../../clients/javascript/client/test/samples";
import { sectionNames, sectionsOf } from "../src/chat/conversations/list_sections";
import { nextConversation } from "../src/chat/conversations/next_conversation";
import { unreadInSection } from "../src/chat/conversations/unread";
import { setLocale } from "../src/languages/locale";

afterEach(() => setLocale("en"));

const list = [
  conversation("z", { section: "Zebra" }),
  conversation("none"),
  conversation("a", { section: "apes" }),
  conversation("o", { section: "Öl" }),
  conversation("a2", { section: "apes" }),
  conversation("fav", { section: "apes", favourite: true }),
  conversation("old", { section: "Gone", archived: true }),
];

it("sorts sections by the reader's language, and keeps the order of conversations", () => {
  const names = (): string[] => sectionsOf(list).sections.map(({ name }) => name);
  setLocale("de");
  expect(names()).toEqual(["apes", "Öl", "Zebra"]);
  setLocale("sv");
  expect(names()).toEqual(["apes", "Zebra", "Öl"]);
  const { favourites, sections, others, archived } = sectionsOf(list);
  expect(sections[0]?.conversations.map(({ id }) => id)).toEqual(["a", "a2"]);
  expect([favourites, others, archived].map((each) => each.map(({ id }) => id))).toEqual([["fav"], ["none"], ["old"]]);
});

it("offers also the sections of favourites and archived conversations", () => {
  expect(sectionNames(list)).toEqual(["apes", "Gone", "Öl", "Zebra"]);
});

it("goes through the favourites, the sections and the others", () => {
  const order = ["fav", "a", "a2", "o", "z", "none"];
  for (const [index, id] of order.entries()) expect(nextConversation(list, id, 1)?.id).toBe(order[index + 1]);
});

it("counts only mentions of muted conversations", () => {
  const features = { offers: true, offerCurrency: "EUR" };
  const hidden = [
    conversation("a", { unreadCount: 2, unreadOfferCount: 1 }),
    conversation("b", { unreadCount: 5, mentionCount: 1, muted: true }),
  ];
  expect(unreadInSection(hidden, features)).toBe(4);
});
