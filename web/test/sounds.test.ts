import { expect, it } from "vitest";
// @ts-expect-error: a script, which says nothing of types
import { makeSounds } from "../sounds/make_sounds.mjs";
import { knownSound, SOUNDS } from "../src/ui/alerts/sounds";

const KEPT = import.meta.glob<string>("../sounds/*.wav", { query: "?inline", import: "default", eager: true });
const MADE: readonly [string, { length: number; toString: (encoding: string) => string }][] = makeSounds();

it("are all made here", () => {
  expect(Object.keys(KEPT).sort()).toEqual(MADE.map(([name]) => `../sounds/${name}`).sort());
});

it.each(MADE)("%s is what its formula makes, and small", (name, made) => {
  expect(made.length).toBeLessThan(20_000);
  expect(KEPT[`../sounds/${name}`]?.replace(/^data:.*;base64,/, "") === made.toString("base64")).toBe(true);
});

it("an unknown sound is the default", () => {
  expect(SOUNDS.map(knownSound)).toEqual([...SOUNDS]);
  expect([knownSound("default"), knownSound("trombone"), knownSound("toString")]).toEqual(["drop", "drop", "drop"]);
});
