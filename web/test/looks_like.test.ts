import { expect, it } from "vitest";
import { looksLike } from "../src/ui/components/looks_like";

it.each([
  ["Two spaces", "Two  spaces"],
  ["Two spaces", " Two\u00a0\n spaces "],
  ["Zo\u00eb", "Zoe\u0308"],
  ["Hidden", "Hid\u200bden\ufeff"],
  ["שלום", "\u200fשלום\u2069"],
])("%s looks like %j", (entered, name) => {
  expect(looksLike(entered, name)).toBe(true);
  expect(looksLike(name, entered)).toBe(true);
});

it.each([
  ["twospaces", "two spaces"],
  ["zoe", "Zoe"],
  ["", "Zoe"],
])("%j does not look like %s", (entered, name) => {
  expect(looksLike(entered, name)).toBe(false);
});
