import { beforeAll, describe, expect, it, vi } from "vitest";
import { LANGUAGES, type Language } from "../src/languages/languages";
import { wordsOf } from "./words_of";

// The texts choose their language from the document.
vi.stubGlobal("document", { documentElement: { lang: "en", dir: "ltr" } });
vi.stubGlobal("matchMedia", () => ({ matches: false }));

const MINUTE_MS = 60_000;
const NOW = Date.parse("2026-11-28T12:00:00Z");

type Modules = typeof import("../src/ui/desk/texts") &
  typeof import("../src/ui/desk/waited") &
  typeof import("../src/ui/desk/use_desk");

let desk: Modules;

beforeAll(async () => {
  const parts = await Promise.all([
    import("../src/ui/desk/texts"),
    import("../src/ui/desk/waited"),
    import("../src/ui/desk/use_desk"),
  ]);
  desk = Object.assign({}, ...parts);
});

/** What the texts with values say. */
const given = (path: string) => (/count|unread/i.test(path) ? [2] : ["Xaver", "Yvonne"]);

const namesIn = (text: string) => ["Xaver", "Yvonne"].filter((name) => text.includes(name));

describe("the texts of the desk", () => {
  it.each(Object.keys(LANGUAGES) as Language[])("are complete in %s, and say what they are given", (language) => {
    const [english, words] = [wordsOf(desk.DESK_TEXTS.en, given), wordsOf(desk.DESK_TEXTS[language], given)];
    expect([...words.keys()]).toEqual([...english.keys()]);
    for (const [path, text] of words) {
      expect(text, path).not.toMatch(/undefined|NaN|object/);
      expect(namesIn(text), path).toEqual(namesIn(english.get(path) ?? ""));
    }
  });

  it("have other words in each language", () => {
    const [{ en, ...others }, same] = [
      desk.DESK_TEXTS,
      new Set(["title", "team", "handOver.teams", "notes.title", "notes.field"]),
    ];
    for (const translation of Object.values(others)) {
      const words = wordsOf(translation, given);
      for (const [path, text] of wordsOf(en, given)) if (!same.has(path)) expect(words.get(path), path).not.toBe(text);
    }
  });
});

describe("how long somebody waits", () => {
  it.each([
    [0, "< 1 min", "less than a minute"],
    [59_999, "< 1 min", "less than a minute"],
    [MINUTE_MS, "1 min", "1 minute"],
    [59 * MINUTE_MS, "59 min", "59 minutes"],
    [60 * MINUTE_MS, "1 hr", "1 hour"],
    [47 * 60 * MINUTE_MS, "1 day", "1 day"],
    // The reader's clock is behind the server's.
    [-5 * MINUTE_MS, "< 1 min", "less than a minute"],
  ])("is after %d ms “%s”, and said “%s”", (passedMs, short, long) => {
    const since = new Date(NOW - passedMs).toISOString();
    expect(desk.waited(since, "short", NOW)).toBe(short);
    expect(desk.waited(since, "long", NOW)).toBe(long);
  });
});

it("colleagues are those who are in a team of the conversation", () => {
  const teams = [{ id: "support", name: "", memberIds: [], createdAt: "" }];
  const of = (...ids: string[]) => ({ teams: ids.map((teamId) => ({ teamId, name: "" })) }) as never;
  expect(desk.isStaffOf({ teams }, of("sales", "support"))).toBe(true);
  expect(desk.isStaffOf({ teams }, of("sales"))).toBe(false);
  expect(desk.isStaffOf({ teams }, {} as never)).toBe(false);
});
