import { expect, it } from "vitest";
import { isOnlyEmoji } from "../src/ui/markdown/only_emoji";

it.each(["👍", "❤️", "👩🏽‍🚀 🇩🇪", "1️⃣", "👨‍👩‍👧‍👦", "🎉🎉🎉🎉🎉🎉🎉🎉"])("shows %s large", (text) => {
  expect(isOnlyEmoji(text)).toBe(true);
});

it.each(["", " ", "1", "#", "42", "©", "ok 👍", "👍!", "❤", "🎉🎉🎉🎉🎉🎉🎉🎉🎉"])("shows “%s” as text", (text) => {
  expect(isOnlyEmoji(text)).toBe(false);
});
