import { expect, it } from "vitest";
import { portraitColour } from "../src/chat/people/portrait_colour";

const coloursOf = (ids: readonly string[]): number => new Set(ids.map(portraitColour)).size;
const counted = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

it.each(["", "u", "user-", "8000000000000"])("ids that count up after %j have many colours", (prefix) => {
  expect(coloursOf(counted(prefix, 12))).toBeGreaterThanOrEqual(6);
  expect(coloursOf(counted(prefix, 100))).toBe(12);
});

it("a user keeps their colour", () => {
  expect(portraitColour("maya")).toBe(portraitColour("maya"));
});

/** The contrast of WCAG 2 with white. */
function contrastWithWhite(colour: string): number {
  const light = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = light.map((part) =>
    part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

it("a letter can be read on each", () => {
  for (const id of counted("", 100)) expect(contrastWithWhite(portraitColour(id))).toBeGreaterThanOrEqual(4.5);
});
