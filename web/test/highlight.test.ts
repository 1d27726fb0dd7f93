import { expect, it } from "vitest";
import { excerptOf, type Piece, piecesOf, piecesOfName } from "../src/chat/search/highlight";

const shown = (pieces: readonly Piece[]) =>
  pieces.map((piece) => (piece.isFound ? `[${piece.text}]` : piece.text)).join("");
const marked = (text: string, query: string) => shown(piecesOf(text, query));
const markedName = (name: string, query: string) => shown(piecesOfName(name, query));

it("whole words match, and the last one may be the start of a word", () => {
  expect(marked("The plan of the planet", "plan")).toBe("The [plan] of the [planet]");
  expect(marked("The plan of the planet", "plan the")).toBe("[The] [plan] of [the] planet");
  expect(marked("a an and", "a")).toBe("[a] an and");
});

it("a last word with a space after it is a whole word", () => {
  expect(marked("plan planet", '"plan"')).toBe("[plan] planet");
});

it("case, accents and width are ignored", () => {
  expect(marked("Viele Grüße", "grusse")).toBe("Viele [Grüße]");
  expect(marked("Ｔｅｘｔ", "text")).toBe("[Ｔｅｘｔ]");
  expect(marked("Οδυσσεύς ΟΔΥΣΣΕΥΣ", "οδυσσευς")).toBe("[Οδυσσεύς] [ΟΔΥΣΣΕΥΣ]");
  expect(marked("in İstanbul", "istanbul")).toBe("in [İstanbul]");
});

it("any part of a text without spaces matches, and an emoji is a word", () => {
  expect(marked("東京大学です", "大学")).toBe("東京[大学]です");
  expect(marked("well done 🎉🎉", "🎉")).toBe("well done [🎉][🎉]");
});

it("special characters of patterns and markup are plain text", () => {
  expect(marked("a.*b <b>bold</b>", ".*")).toBe("a.*b <b>bold</b>");
  expect(marked("<b>bold</b>", "<bold>")).toBe("<b>[bold]</b>");
  expect(marked("alice@example.com", "example.com")).toBe("alice@[example].[com]");
});

it("the pieces are the whole text", () => {
  const text = "Grüße 👩‍👩‍👧 ﬁne e\u0301tude";
  for (const query of ["grusse", "fine", "etude", "👩", "", "zzz"])
    expect(
      piecesOf(text, query)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
});

it("a long text is cut to the part around the first match", () => {
  const text = `${"before ".repeat(60)}needle ${"after ".repeat(60)}`;
  const excerpt = excerptOf(text, "needle");
  expect(excerpt).toMatch(/^…before .*needle after.*…$/);
  expect(excerpt.length).toBeLessThan(260);
  expect(excerptOf("a short one", "one")).toBe("a short one");
});

it("a name is marked where a word starts, otherwise within one", () => {
  expect(markedName("Café Sperling", "in")).toBe("Café Sperl[in]g");
  expect(markedName("Martin Inge", "in")).toBe("Martin [In]ge");
  expect(markedName("Café Sperling", "sper cafe")).toBe("[Café] [Sper]ling");
  expect(markedName("C++ (beginners)", "c++ (b")).toBe("[C++] [(b]eginners)");
  expect(markedName("Ines", "ines in")).toBe("[Ines]");
  expect(markedName("Ines", "okafor")).toBe("Ines");
  expect(markedName("Ines", "")).toBe("Ines");
});
