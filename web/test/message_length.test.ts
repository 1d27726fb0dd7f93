import { expect, it } from "vitest";
import { charactersOver } from "../src/chat/writing/message_length";

it("counts the characters that a message has no room for", () => {
  expect(charactersOver("")).toBe(0);
  expect(charactersOver("a".repeat(65_536))).toBe(0);
  expect(charactersOver("a".repeat(65_540))).toBe(4);
  expect(charactersOver("ü".repeat(32_768))).toBe(0);
  expect(charactersOver("ü".repeat(32_770))).toBe(2);
  expect(charactersOver("😀".repeat(16_387))).toBe(3);
});
