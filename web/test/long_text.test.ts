import { describe, expect, it } from "vitest";
import { blocksOf } from "../src/chat/markdown/blocks";
import { piecesOf } from "../src/ui/markdown/long_text";
import { drawnUnits, numbers, repeated } from "./drawn_texts";

const words = (count: number): string => Array.from({ length: count }, (_, index) => `word${index}`).join(" ");

describe("a long text", () => {
  it("is one piece while it is short", () => {
    expect(piecesOf("short")).toEqual(["short"]);
    expect(piecesOf("")).toEqual([""]);
  });

  it("is split between words, and nothing is lost", () => {
    const text = words(9_000);
    const pieces = piecesOf(text);
    expect(pieces.length).toBeGreaterThan(10);
    expect(pieces.every(({ length }) => length <= 4_000)).toBe(true);
    expect(pieces.join("")).toBe(text);
  });

  it("is split between paragraphs where there are some", () => {
    const text = Array.from({ length: 60 }, () => "x".repeat(300)).join("\n\n");
    expect(piecesOf(text).every((piece) => piece.replaceAll("\n", "").length % 300 === 0)).toBe(true);
  });

  it("shows a limited number of lines at first", () => {
    const [first = ""] = piecesOf("a\n".repeat(3_000));
    expect(first.split("\n").length).toBeLessThan(100);
  });

  it("continues as code when it is split in code", () => {
    const [first, second] = piecesOf(`\`\`\`js\n${"const a = 1;\n".repeat(500)}\`\`\`\nafter`);
    expect(first?.startsWith("```js\n")).toBe(true);
    expect(second?.startsWith("```js\nconst")).toBe(true);
  });

  it("keeps both halves of a surrogate pair together", () => {
    const pieces = piecesOf(`x${"😀".repeat(5_000)}`);
    // It throws for half a surrogate pair.
    expect(() => pieces.map(encodeURIComponent)).not.toThrow();
    expect(pieces.join("")).toContain("😀😀");
  });

  it("keeps indentation and blank lines where it is split", () => {
    const text = `${"x".repeat(3_000)}\n\n\n\n    ${"y".repeat(3_000)}`;
    expect(piecesOf(text).join("\n")).toBe(text);
  });

  it("keeps all signs of deep quotes", () => {
    const text = `${"> ".repeat(32_000)}deep`;
    expect(piecesOf(text).join("")).toBe(text);
  });

  it("closes code that is split", () => {
    const pieces = piecesOf(`\`\`\`js\n${"const a = 1;\n".repeat(1_000)}\`\`\``);
    expect(pieces.length).toBeGreaterThan(2);
    for (const piece of pieces) expect(blocksOf(piece).map(({ kind }) => kind)).toEqual(["code"]);
  });

  it("continues code with the signs of its fence and its language only", () => {
    const code = "const a = 1;\n".repeat(1_000);
    const secondOf = (fence: string): string | undefined => piecesOf(`${fence}\n${code}`)[1]?.split("\n", 1)[0];
    expect(secondOf("~~~~ts")).toBe("~~~~ts");
    expect(secondOf("```a title")).toBe("```");
    expect(secondOf(`\`\`\`${"a".repeat(41)}`)).toBe("```");
    expect(secondOf("~".repeat(41))).toBe("const a = 1;");
  });

  it("has pieces that end, and are together at most twice as long", () => {
    const texts = [
      "`".repeat(4_001),
      "~".repeat(4_001),
      `\`\`\`${"a".repeat(3_990)}\n${"x".repeat(100)}`,
      `~~~ ${"a b ".repeat(999)}\nx\ny`,
      `${"`".repeat(40)}\n${"\n".repeat(78)}x`,
      ...drawnTexts(500),
    ];
    for (const text of texts) {
      const pieces = piecesOf(text);
      expect(pieces.join("").length, text).toBeLessThanOrEqual(2 * text.length);
      // Each but the first and the last takes half of its 4,000 characters from the text, and the fence is no longer than 82.
      expect(pieces.length, text).toBeLessThanOrEqual(2 + text.length / (2_000 - 82));
    }
  });
});

/** Returns texts of fences, lines of code, words and random signs, one after the other. */
function drawnTexts(count: number): string[] {
  const below = numbers();
  const units = ["`", "~", "```", "\n```", "~~~", "```js\n", "let a = 1;\n", "\n", "word ", ...drawnUnits(20)];
  const part = (): string => repeated(units[below(units.length)] ?? "", 1 + below(2_500));
  return Array.from({ length: count }, () => Array.from({ length: 1 + below(12) }, part).join(""));
}
