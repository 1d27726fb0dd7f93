import { beforeAll, expect, it, vi } from "vitest";
import { LANGUAGES, type Language } from "../src/languages/languages";
import type { CardTexts } from "../src/ui/cards/texts/en";
import { wordsOf } from "./words_of";

// The texts choose their language from the document.
vi.stubGlobal("document", { documentElement: { lang: "en", dir: "ltr" } });

let all: Readonly<Record<Language, CardTexts>>;

beforeAll(async () => {
  all = (await import("../src/ui/cards/texts")).CARD_TEXTS;
});

/** What the texts with values say. */
const NUMBERS = /several|votes|Count|someWait|Of$|remove/;
const given = (path: string) => (NUMBERS.test(path) ? [7, 9] : ["Why", 3, 5]);

/** The only words that two languages share. */
const SAME = new Set(["es: no", "fr: votes", "fr: form.question"]);

it.each(Object.keys(LANGUAGES) as Language[])(
  "the texts of cards are complete in %s, and say what they are given",
  (language) => {
    const english = wordsOf(all.en, given);
    const words = wordsOf(all[language], given);
    expect([...words.keys()]).toEqual([...english.keys()]);
    expect(words.get("progress")).toMatch(/Why.*3.*5/);
    if (language === "en") return;
    for (const [path, text] of english)
      if (!SAME.has(`${language}: ${path}`)) expect(words.get(path), path).not.toBe(text);
  },
);

it("French sets signs off with a space at which no line ends", () => {
  for (const [path, text] of wordsOf(all.fr, given))
    expect([path, text]).toEqual([path, expect.not.stringMatching(/ [:;?!»]/)]);
});
