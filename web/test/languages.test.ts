import { describe, expect, it } from "vitest";
import * as de from "../src/languages/de";
import * as es from "../src/languages/es";
import * as fr from "../src/languages/fr";
import { directionOf, LANGUAGES, languageOf, localeOf, preferredLanguage } from "../src/languages/languages";
import { pushedTexts } from "../src/languages/pushed_texts";
import { replace } from "../src/languages/start_language";
import type { Translation } from "../src/languages/translation";
import { happened, somethingHappened, texts } from "../src/texts";

const ENGLISH = { texts, happened, somethingHappened };
const TRANSLATIONS: Readonly<Record<string, Translation>> = { de, es, fr };

type Leaf = string | ((...values: never[]) => string);

/** Returns all texts by their path, such as `texts.keys.bold`. */
function leavesOf(value: unknown, path = ""): Map<string, Leaf> {
  if (typeof value !== "object" || value === null) return new Map([[path, value as Leaf]]);
  const entries = Object.entries(value);
  return new Map(entries.flatMap(([name, each]) => [...leavesOf(each, path === "" ? name : `${path}.${name}`)]));
}

/** Values for any of the texts that have some: numbers, names and lists are told apart by how English uses them. */
const VALUES: readonly (readonly unknown[])[] = [
  [2, 3, 4],
  ["Xaver", "Yvonne", "Cleo"],
  ["👍", ["Xaver", "Yvonne"], 5],
  [["Xaver", "Yvonne"]],
  ["👍", 2],
  [true],
  [null, undefined],
];

/** Returns what a text says with the first values that English accepts. */
function wordsOf(path: string, leaf: Leaf): string {
  if (typeof leaf === "string") return leaf;
  const english = leavesOf(ENGLISH).get(path) as (...values: unknown[]) => string;
  for (const values of VALUES) {
    try {
      const text = english(...values);
      if (typeof text === "string" && !/undefined|NaN|object/.test(text)) return (leaf as typeof english)(...values);
    } catch {
      // Values of another kind are tried.
    }
  }
  throw new Error(`no values for ${path}`);
}

it("Spanish has no needless pronoun, and the articles of dates", () => {
  expect(es.texts.notices.changes(es.texts.you, "quitado el tema")).toBe("Has quitado el tema");
  expect(es.texts.notices.changes("Bea", "quitado el tema")).toBe("Bea ha quitado el tema");
  expect(es.texts.places.since("26 de noviembre")).toBe("desde el 26 de noviembre");
});

it("French sets signs off with a space at which no line ends", () => {
  const leaves = leavesOf({ texts: fr.texts, happened: fr.happened });
  const words = [...leaves].map(([path, leaf]) => [path, wordsOf(path, leaf)]);
  words.push(["ban", fr.texts.places.youAreBanned(null, "Spam")]);
  expect(words.filter(([, text = ""]) => /« |[ \p{L}\p{N}][:;?!»]( |$)/u.test(text))).toEqual([]);
});

describe.each(Object.entries(TRANSLATIONS))("%s", (_, { texts: its, happened: pushed, somethingHappened: other }) => {
  const english = leavesOf(ENGLISH);
  const translated = leavesOf({ texts: its, happened: pushed, somethingHappened: other });

  it("has the texts that English has, and no others", () => {
    expect([...translated.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("has texts where English has texts, and functions where it has functions", () => {
    for (const [path, leaf] of translated) expect([path, typeof leaf]).toEqual([path, typeof english.get(path)]);
  });

  it("says something everywhere, with all of the values", () => {
    for (const [path, leaf] of translated) {
      const text = wordsOf(path, leaf);
      expect([path, text.trim()]).not.toEqual([path, ""]);
      expect([path, /undefined|NaN|\[object|~/.test(text)]).toEqual([path, false]);
    }
  });

  it("names the same values as English", () => {
    for (const [path, leaf] of translated) {
      if (typeof leaf === "string") continue;
      const [own, englishText] = [wordsOf(path, leaf), wordsOf(path, english.get(path) as Leaf)];
      for (const value of ["Xaver", "Yvonne", "👍"])
        expect([path, value, own.includes(value)]).toEqual([path, value, englishText.includes(value)]);
    }
  });

  it("is another language", () => {
    const same = [...translated].filter(([path, leaf]) => leaf === english.get(path));
    expect(same.length).toBeLessThan(60);
  });
});

describe("plural forms", () => {
  it("follow the rules of the language", () => {
    expect([0, 1, 2, 1_000].map(de.texts.members)).toEqual([
      "0 Mitglieder",
      "1 Mitglied",
      "2 Mitglieder",
      "1.000 Mitglieder",
    ]);
    expect([0, 1, 2].map(es.texts.replies)).toEqual(["0 respuestas", "1 respuesta", "2 respuestas"]);
    // In French, nothing is singular.
    expect([0, 1, 2].map(fr.texts.replies)).toEqual(["0 réponse", "1 réponse", "2 réponses"]);
  });

  it("have a singular everywhere", () => {
    expect([1, 2].map(texts.markedRead)).toEqual(["1 message marked as read", "2 messages marked as read"]);
    expect([1, 2].map(texts.tooManyFiles)).toEqual([
      "You can attach up to 1 file to a message.",
      "You can attach up to 2 files to a message.",
    ]);
    expect([0, 1, 2].map(texts.invitation.usedBy)).toEqual(["Not used yet", "Used once", "Used 2 times"]);
    expect([1, 2].map(es.texts.invitation.left)).toEqual(["queda 1 uso", "quedan 2 usos"]);
  });

  it("are those of durations and lists too", () => {
    expect([60, 120, 86_400].map(de.texts.places.every)).toEqual([
      "Eine Nachricht pro Minute",
      "Eine Nachricht alle 2 Minuten",
      "Eine Nachricht pro Tag",
    ]);
    expect(fr.texts.places.every(7_200).replaceAll(/\s/g, " ")).toBe("Un message toutes les 2 heures");
    expect(es.texts.listed(["Ann", "Ben", "Inés"])).toBe("Ann, Ben e Inés");
  });

  it("of a verb are those of the reader where the reader has done something", () => {
    const { you, notices } = de.texts;
    expect(notices.changes(you, notices.unnamed)).toBe("Du hast den Namen entfernt");
    expect(notices.added("Ann", notices.you)).toBe("Ann hat dich hinzugefügt");
    expect(es.texts.notices.added("Ann", es.texts.notices.you)).toBe("Ann te ha añadido");
    expect(fr.texts.notices.removed("Ann", fr.texts.notices.you)).toBe("Ann vous a retiré");
  });
});

describe("the language of a reader", () => {
  it("is the first one of theirs that the page has", () => {
    expect(preferredLanguage(["nl-NL", "de-AT", "en"])).toBe("de");
    expect(preferredLanguage(["ja"])).toBe("en");
    expect(preferredLanguage([])).toBe("en");
  });

  it("is one that the page has, whatever a tag says", () => {
    expect(languageOf("ES-mx")).toBe("es");
    expect(languageOf("constructor")).toBeUndefined();
    expect(languageOf(null)).toBeUndefined();
  });

  it("formats dates and numbers by their own variant of it, or by their region", () => {
    expect(localeOf("de", ["en-US", "de-AT"])).toBe("de-AT");
    expect(localeOf("en", ["nl"])).toBe("en-NL");
    expect(localeOf("fr", [])).toBe("fr-FR");
  });

  it("has a direction", () => {
    for (const language of Object.keys(LANGUAGES)) expect(directionOf(language)).toBe("ltr");
    expect(["ar", "he", "fa-IR", "ur"].map(directionOf)).toEqual(["rtl", "rtl", "rtl", "rtl"]);
  });
});

it("texts are replaced where they are, so that objects which modules hold change too", () => {
  const target = { one: "one", inner: { two: "two" }, list: ["three"] };
  const { inner, list } = target;
  replace(target, { one: "eins", inner: { two: "zwei" }, list: ["drei"] });
  expect([target.one, inner.two, list[0]]).toEqual(["eins", "zwei", "drei"]);
});

it("the service worker has the texts of notifications in all languages", () => {
  expect(Object.keys(LANGUAGES).map((language) => pushedTexts([language]).happened.reply("Ann"))).toEqual([
    "Ann replied to you",
    "Ann hat dir geantwortet",
    "Ann te ha respondido",
    "Ann vous a répondu",
  ]);
});

it("a request that the server refuses says so in the reader's language", () => {
  expect(de.texts.problem("forbidden", "Only admins may do this.")).toBe("Dazu hast du keine Berechtigung.");
  expect(de.texts.problem("teapot", "I am a teapot.")).toBe("I am a teapot.");
  expect(texts.problem("forbidden", "Only admins may do this.")).toBe("Only admins may do this.");
});
