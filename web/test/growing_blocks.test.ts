import { describe, expect, it } from "vitest";
import { type Block, blocksOf } from "../src/chat/markdown/blocks";
import type { Inline } from "../src/chat/markdown/inlines";
import { trimmed } from "../src/chat/markdown/trimmed";
import { completed } from "../src/chat/streams/completed";
import { GrowingBlocks, type Section } from "../src/chat/streams/growing_blocks";
import { numbers } from "./drawn_texts";

/** What a text may consist of, each in the words of one line or more. */
const PIECES = [
  ...[
    "\n",
    "\n",
    "\n\n",
    "\n\n\n",
    "word ",
    "words of a sentence. ",
    "**bold** ",
    "**",
    "`code`",
    "`",
    "_it_ ",
    "\r\n",
  ],
  ...[
    "# Heading\n",
    "#",
    "- item\n",
    "- [x] task\n",
    "  more of it\n",
    "\n  after a blank line\n",
    "1. one\n",
    "2) two\n",
  ],
  ...["> quote\n", "> ", "```js\n", "```\n", "```", "~~~\n", "  ```\n", "code()\n", "ends```\n", "> ```\n", "- ```\n"],
  ...[
    "| a | b |\n",
    "|---|---|\n",
    "| 1 | 2 |\n",
    "a|b\n",
    "-|-\n",
    "|",
    "[link](https://a.example) ",
    "[",
    "東京",
    "🎉",
  ],
  ...["    \n", " ", "---\n", "\\# no heading\n", "https://a.example/x "],
];

function drawnText(below: (limit: number) => number): string {
  const count = 1 + below(30);
  return Array.from({ length: count }, () => PIECES[below(PIECES.length)] ?? "")
    .join("")
    .trimEnd();
}

/** Returns the positions at which a text is cut, in order, the last one at its end. */
function drawnCuts(text: string, below: (limit: number) => number): number[] {
  const cuts = Array.from({ length: below(12) }, () => below(text.length + 1));
  return [...cuts, text.length].sort((one, other) => one - other);
}

/** Returns blocks without what cannot be seen: blank lines between blocks, and spaces in empty lines. */
function visible(blocks: readonly Block[]): unknown[] {
  return blocks.flatMap((block, index): unknown[] => {
    if (block.kind !== "text") return [block];
    const inside = joined(block.inside);
    const [first] = inside;
    if (index > 0 && first?.kind === "text") inside[0] = { kind: "text", text: first.text.replace(/^[^\S\n]*\n/, "") };
    const last = inside.at(-1);
    if (last?.kind === "text")
      inside[inside.length - 1] = { kind: "text", text: last.text.replaceAll(/^[^\S\n]+$/gm, "").replace(/\n$/, "") };
    const seen = inside.filter((each) => each.kind !== "text" || each.text !== "");
    return seen.length === 0 ? [] : [{ kind: "text", inside: seen.map(withoutSpaces) }];
  });
}

const withoutSpaces = (inline: Inline): Inline =>
  inline.kind === "text" ? { ...inline, text: inline.text.replaceAll(/(^|\n)[^\S\n]+(?=\n)/g, "$1") } : inline;

function joined(inlines: readonly Inline[]): Inline[] {
  const all: Inline[] = [];
  for (const inline of inlines) {
    const last = all.at(-1);
    if (inline.kind === "text" && last?.kind === "text")
      all[all.length - 1] = { kind: "text", text: last.text + inline.text };
    else all.push(inline);
  }
  return all;
}

/** Returns the blocks that sections are drawn as: the paragraphs of a text are one. */
function blocksIn(sections: readonly Section[]): Block[] {
  const blocks: Block[] = [];
  for (const { block, gap } of sections) {
    const last = blocks.at(-1);
    if (block.kind !== "text") blocks.push(block);
    else if (last?.kind === "text")
      blocks[blocks.length - 1] = { kind: "text", inside: [...last.inside, lines(gap + 1), ...block.inside] };
    // The first line of a text after another block is left out.
    else blocks.push({ kind: "text", inside: [lines(gap + (blocks.length > 0 ? 1 : 0)), ...block.inside] });
  }
  return blocks;
}

const lines = (count: number): Inline => ({ kind: "text", text: "\n".repeat(count) });

describe("a text that grows", () => {
  const below = numbers();
  const texts = Array.from({ length: 1_500 }, () => drawnText(below));

  it("is at its end what it is as a whole, wherever it was cut", () => {
    for (const text of texts) {
      const growing = new GrowingBlocks();
      for (const cut of drawnCuts(text, below)) growing.read(text.slice(0, cut), true);
      const sections = growing.read(text, false);
      expect(visible(blocksIn(sections)), JSON.stringify(text)).toEqual(visible(blocksOf(trimmed(text))));
    }
  });

  it("keeps the blocks above the last ones, which are not parsed again", () => {
    const paragraph = "Some words, **bold** ones too.\n\n- one\n- two\n\n```js\ncode()\n```\n\n| a |\n|---|\n| 1 |\n\n";
    const growing = new GrowingBlocks();
    let before: readonly Section[] = [];
    for (let count = 1; count < 30; count++) {
      const sections = growing.read(paragraph.repeat(count), true);
      const kept = sections.filter((section, index) => section === before[index]).length;
      expect(before.length - kept).toBeLessThanOrEqual(4);
      before = sections;
    }
    expect(before.length).toBeGreaterThan(110);
  });

  it("begins again when the author has written something else", () => {
    const growing = new GrowingBlocks();
    growing.read("one\n\ntwo\n\nthree", true);
    expect(visible(blocksIn(growing.read("one\n\n2", false)))).toEqual(visible(blocksOf("one\n\n2")));
  });

  it("draws code before it is closed, with the same lines, and colours it then", () => {
    const growing = new GrowingBlocks();
    const drawn = (text: string) => growing.read(text, true).map(({ block }) => block);
    const [, open] = drawn("Look:\n```js\nlet a;\n``");
    expect(open).toEqual({ kind: "code", language: undefined, text: "let a;" });
    expect(drawn("Look:\n```js\nlet a;\n```\n")[1]).toEqual({ kind: "code", language: "js", text: "let a;" });
  });
});

describe("what is being written is drawn as what it becomes", () => {
  const kinds = (text: string) => new GrowingBlocks().read(text, true).map(({ block }) => block.kind);

  it.each([
    ["some **bo", "some **bo**"],
    ["some **bold*", "some **bold**"],
    ["some **bold words ", "some **bold words**"],
    ["some **", "some "],
    ["**done** and `co", "**done** and `co`"],
    ["a `", "a "],
    ["`a**b` c", "`a**b` c"],
    ["see [the page](https://exam", "see the page"],
    ["a list\n- ", "a list"],
    ["a list\n1.", "a list"],
    ["- [ ", ""],
    ["text\n###", "text"],
    ["text\n```js", "text"],
    ["5 * 3", "5 * 3"],
    ["the end.", "the end."],
  ])("%j", (text, expected) => {
    expect(completed(text)).toBe(expected);
  });

  it("a table from the first line of its head on", () => {
    for (const text of ["| a | b", "| a | b |\n", "| a | b |\n|-", "| a | b |\n|---|:-", "| a | b |\n|---|:-:|\n| 1"])
      expect([text, kinds(text)]).toEqual([text, ["table"]]);
    expect(kinds("| a | b |\n|---|---|\n| 1 | 2 |\n| 3")).toEqual(["table"]);
    expect(kinds("a | b")).toEqual(["text"]);
  });
});
