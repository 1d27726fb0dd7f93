/** The work for a text grows at most linearly with its length, whatever the text consists of. */

import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { ASCII, drawnUnits, repeated } from "./drawn_texts";
import { measures, processorMs } from "./processor_time";
import { READERS, type Reader } from "./text_readers";

const KIBIBYTE = 1_024;

/** More than a message may have, so that work which grows with the square takes a minute. */
const LENGTH = 128 * KIBIBYTE;
/** A time limit of a test does not interrupt what hangs. */
const HANGS_MS = 20_000;
/** Each of these has taken the square of the length somewhere. */
const KNOWN_UNITS = ["`", "*@", "_a", "```a\n", "\u0315\u0300"];
const DRAWN_COUNT = 11;

describe("the page reads each text within seconds, even twice the longest", () => {
  it.each(Object.entries(READERS))("%s", (_, read) => {
    for (const unit of [...KNOWN_UNITS, ...drawnUnits(DRAWN_COUNT)])
      runInNewContext("read(text)", { read, text: repeated(unit, LENGTH) }, { timeout: HANGS_MS });
  });
});

const SOURCES = import.meta.glob<string>("../{src,worker}/**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
const TABLE = import.meta.glob<string>("./text_readers.ts", { query: "?raw", import: "default", eager: true });
const READS = /^export (?:function|const) (\w+)[^(\n]*\((?:text|content|query|start|before): string/gm;

/** Parts of functions in the table, and two that do not look into their text. */
const NOT_IN_THE_TABLE = new Set([
  ...["inlinesOf", "delimiterAt", "withEmphasis", "continuingFence", "withClosedFence", "toggled"],
  ...["showUnstarted", "unfold"],
]);

it("each function that reads a text is in the table", () => {
  const table = Object.values(TABLE).join("");
  const names = Object.values(SOURCES)
    .flatMap((source) => [...source.matchAll(READS)].map(([, name = ""]) => name))
    .filter((name) => !/^use[A-Z]/.test(name));
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !NOT_IN_THE_TABLE.has(name) && !table.includes(name))).toEqual([]);
});

describe.runIf(measures)("four times the text takes at most six times the processor time", () => {
  it.each(Object.entries(READERS))("%s", { timeout: 1_800_000 }, (_, read) => {
    const signs = [...ASCII, "\n"];
    const units = signs.flatMap((one) => signs.map((other) => (one === other ? one : one + other)));
    expect(units.filter((unit) => isSuperlinear(read, unit))).toEqual([]);
  });
});

/** Shorter work is not measured exactly enough. */
const MEASURED_FROM_MS = 10;
const GROWS_AT_MOST = 6;
const FREE_MS = 25;
/** The garbage collector may run during a measurement. */
const ATTEMPTS = 5;

function isSuperlinear(read: Reader, unit: string): boolean {
  const short = repeated(unit, 16 * KIBIBYTE);
  const long = repeated(unit, 64 * KIBIBYTE);
  const leastMs = (text: string, attempts: number): number =>
    Math.min(...Array.from({ length: attempts }, () => processorMs(() => read(text))));
  const grows = (attempts: number): boolean =>
    leastMs(long, attempts) > GROWS_AT_MOST * leastMs(short, attempts) + FREE_MS;
  return leastMs(short, 1) >= MEASURED_FROM_MS && grows(1) && grows(ATTEMPTS);
}
