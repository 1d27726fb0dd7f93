import { beforeAll, expect, it, vi } from "vitest";
import { LANGUAGES, type Language } from "../src/languages/languages";
import type { StreamTexts } from "../src/ui/streams/texts/en";
import { wordsOf } from "./words_of";

// The texts choose their language from the document.
vi.stubGlobal("document", { documentElement: { lang: "en", dir: "ltr" } });

let all: Readonly<Record<Language, StreamTexts>>;

beforeAll(async () => {
  all = (await import("../src/ui/streams/texts")).STREAM_TEXTS;
});

/** The only words that languages share. */
const SAME = new Set(["fr: sources.message", "de: doing", "es: doing"]);

/** What the texts with values say. */
const given = (_path: string, count: number) => (count > 1 ? [3, 5] : ["Why"]);

it.each(Object.keys(LANGUAGES) as Language[])(
  "the texts of parts are complete in %s, and say what they are given",
  (language) => {
    const english = wordsOf(all.en, given);
    const words = wordsOf(all[language], given);
    expect([...words.keys()]).toEqual([...english.keys()]);
    expect(["plan.done", "doing", "working", "ends.failed"].map((path) => words.get(path))).toEqual([
      expect.stringMatching(/3.*5/),
      expect.stringMatching(/3.*5/),
      expect.stringContaining("Why"),
      expect.stringContaining("Why"),
    ]);
    expect(all[language].ends.failed("")).not.toContain("Why");
    if (language === "en") return;
    for (const [path, text] of english)
      if (!SAME.has(`${language}: ${path}`)) expect(words.get(path), path).not.toBe(text);
  },
);

it("French sets signs off with a space at which no line ends", () => {
  for (const [path, text] of wordsOf(all.fr, given))
    expect([path, text]).toEqual([path, expect.not.stringMatching(/ [:;?!»]/)]);
});
