import { expect, it } from "vitest";
import { looksLike } from "../src/ui/components/looks_like";

it.each([
  ["Two spaces", "Two  spaces"],
  ["Two spaces", " Two\u00a0\n spaces "],
  ["Zo\u00eb", "Zoe\u0308"],
  ["Hidden", "Hid\u200bden\ufeff"],
  ["שלום", "\u200fשלום\u2069"],
  ["zoe", "Zoe"],
  ["ΟΔΟΣ", "οδος"],
  ["harvest festival 2027", "Harvest festival 2027 🎡"],
  ["Harvest festival", "Harvest 🎡 festival"],
  ["Family", "👨‍👩‍👧 Family 👋🏽"],
  ["One", "1️⃣ One 🇫🇷 ❤️"],
  ["Rowing", "★ Rowing™"],
  ["🎡", "🎡"],
  ["🎡  🎢", "🎡 🎢"],
])("%s looks like %j", (entered, name) => {
  expect(looksLike(entered, name)).toBe(true);
  expect(looksLike(name, entered)).toBe(true);
});

it.each([
  ["twospaces", "two spaces"],
  ["zo", "Zoe"],
  ["", "Zoe"],
  ["", "🎡"],
  ["🎢", "🎡"],
  ["Festival 2026 🎡", "Festival 2027 🎡"],
  ["1", "1️⃣"],
])("%j does not look like %s", (entered, name) => {
  expect(looksLike(entered, name)).toBe(false);
});
