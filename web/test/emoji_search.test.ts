import { expect, it } from "vitest";
import type { EmojiEntry } from "../src/chat/writing/emoji";
import { searchEmoji } from "../src/chat/writing/emoji_search";

const entry = (emoji: string, label: string, codes: string, tags = ""): EmojiEntry => ({
  emoji,
  label,
  group: 0,
  version: 1,
  tags: tags.split(" "),
  codes: codes.split(" "),
});

const ENTRIES = [
  entry("🧑‍🚀", "Astronaut", "astronaut", "rocket space"),
  entry("😍", "Smiling face with heart-eyes", "heart_eyes", "love"),
  entry("🚀", "Rocket", "rocket", "launch space"),
  entry("❤️", "Red heart", "heart", "love"),
  entry("👍", "Thumbs up", "+1 thumbsup", "yes like"),
];

const found = (query: string): string =>
  searchEmoji(ENTRIES, query)
    .map(({ emoji }) => emoji)
    .join(" ");

it("an emoji of the name comes before one with the keyword", () => {
  expect(found("rocket")).toBe("🚀 🧑‍🚀");
  expect(found("heart")).toBe("❤️ 😍");
});

it("short codes, keywords and parts of names are found", () => {
  expect(found(":+1:")).toBe("👍");
  expect(found("Thumbs U")).toBe("👍");
  expect(found("lov")).toBe("😍 ❤️");
  expect(found("stron")).toBe("🧑‍🚀");
});

it("every word has to match", () => {
  expect(found("space launch")).toBe("🚀");
  expect(found("space heart")).toBe("");
  expect(found(" ").split(" ")).toHaveLength(ENTRIES.length);
});
