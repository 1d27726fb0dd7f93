/**
 * Parses the Markdown of a text that grows. Blocks that no further text can change are parsed once, so the work for what
 * is added grows with the last block, not with the text.
 */

import { BLANK, type Block, blocksIn, FENCE, type Found, paragraphs } from "../markdown/blocks";
import { withClosedFence } from "../markdown/cut_code";
import { completed } from "./completed";

/** A block or, of a text, a paragraph. */
export interface Section {
  readonly block: Block;
  /** How many empty lines are above it. */
  readonly gap: number;
}

/** A section where it is among the lines. */
interface Placed extends Section {
  /** The line after it. */
  readonly next: number;
}

/** What is before the lines that are read: whether that is a text, and how many blank lines it ends in. */
interface Before {
  readonly isText: boolean;
  readonly blanks: number;
}

/** A line that closes a block of code, whatever follows. */
const CLOSING = /^ {0,3}([`~])\1*\s*$/;
const START: Before = { isText: false, blanks: 0 };
const NOTHING: readonly Section[] = [];

export class GrowingBlocks {
  #text = "";
  /** Where the part of the text begins that further text may change. */
  #from = 0;
  #settled: readonly Section[] = NOTHING;
  #before = START;
  /** Whether that part begins with code that is not closed yet. */
  #isInCode = false;

  /**
   * Returns the sections of a text, in order. Those of the text before, which it continues, are the same objects where
   * nothing has changed. `isOpen`: whether more may follow, so that formatting without an end is drawn as if it had one.
   */
  read(text: string, isOpen: boolean): readonly Section[] {
    if (!text.startsWith(this.#text)) this.#reset();
    this.#text = text;
    this.#skipFirstBlankLines();
    this.#settle();
    // Code that is never closed is text, and belongs to the paragraph above it.
    if (!isOpen && this.#isInCode) {
      this.#reset();
      this.#skipFirstBlankLines();
    }
    const rest = text.slice(this.#from).trimEnd();
    if (rest === "") return this.#settled;
    const drawn = isOpen ? this.#opened(rest) : rest;
    const sections = sectionsOf(linesOf(drawn), this.#before);
    return [...this.#settled, ...(this.#isInCode ? sections.map(uncoloured) : sections)];
  }

  #opened(rest: string): string {
    return this.#isInCode ? withClosedFence(rest.replace(/\n {0,3}[`~]{1,2}$/, "")) : completed(rest);
  }

  #reset(): void {
    this.#from = 0;
    this.#settled = NOTHING;
    this.#before = START;
    this.#isInCode = false;
  }

  #skipFirstBlankLines(): void {
    if (this.#before === START) this.#from = /^(?:[^\S\n]*\n)+/.exec(this.#text)?.[0].length ?? 0;
  }

  /** Settles the sections that no further text can change. */
  #settle(): void {
    const rest = this.#text.slice(this.#from);
    if (!rest.includes("\n") || (this.#isInCode && !isClosed(rest))) return;
    const lines = linesOf(rest);
    const end = endOfSettled(lines);
    this.#isInCode = isFence(lines, end) && !isClosed(linesFrom(lines, end));
    if (end === 0) return;
    const settled = sectionsOf(lines.slice(0, end), this.#before);
    const last = settled.at(-1);
    const isText = last === undefined ? this.#before.isText : last.block.kind === "text";
    const blanks = end - (last?.next ?? -this.#before.blanks);
    this.#settled = [...this.#settled, ...settled];
    this.#before = { isText, blanks };
    this.#from += startOf(rest, end);
  }
}

const linesOf = (text: string): string[] => text.split(/\r?\n/);
const linesFrom = (lines: readonly string[], from: number): string => lines.slice(from).join("\n");

/** Whether a line is a fence. The last line may go on, and be none. */
const isFence = (lines: readonly string[], at: number): boolean => at < lines.length - 1 && FENCE.test(lines[at] ?? "");

/** Returns whether a text that starts with a fence has a line that closes it for good. */
function isClosed(text: string): boolean {
  const lines = linesOf(text);
  const [first] = blocksIn(lines);
  return first?.block.kind === "code" && isClosedAt(lines, first.next);
}

/** Whether the line before one closes code whatever follows. The last line may go on. */
const isClosedAt = (lines: readonly string[], next: number): boolean =>
  next < lines.length && CLOSING.test(lines[next - 1] ?? "");

/** Returns where a line starts. */
function startOf(text: string, line: number): number {
  let start = 0;
  for (let count = 0; count < line; count++) start = text.indexOf("\n", start) + 1;
  return start;
}

/** Returns the first line that further text may change, or that belongs to a block which it may change. */
function endOfSettled(lines: readonly string[]): number {
  let from = 0;
  let end = 0;
  for (const found of blocksIn(lines)) {
    if (found.block.kind === "text") {
      const fence = lines.findIndex((_, at) => at >= from && at < found.next && isFence(lines, at));
      end = Math.max(end, endOfParagraphs(lines, from, fence === -1 ? found.next : fence));
      // Whether this is code depends on what follows.
      if (fence !== -1) return Math.max(end, fence);
    } else {
      // So does whether this is a table.
      if (found.block.kind === "table" && isFence(lines, from)) return from;
      if (!isComplete(lines, found)) break;
      end = found.next;
    }
    from = found.next;
  }
  return end;
}

/** Returns the start of the last paragraph. The line above it is blank. */
function endOfParagraphs(lines: readonly string[], from: number, next: number): number {
  for (let at = Math.min(next, lines.length - 1); at > from; at--)
    if (!BLANK.test(lines[at] ?? "") && BLANK.test(lines[at - 1] ?? "")) return at;
  return from;
}

/** Returns whether no further line can belong to a block that is no text. */
function isComplete(lines: readonly string[], { block, next }: Found): boolean {
  if (block.kind === "code") return isClosedAt(lines, next);
  if (block.kind === "heading") return next < lines.length;
  // Items continue after blank lines, and the last line may not be complete.
  const after = lines.findIndex((line, at) => at >= next && !BLANK.test(line));
  return after !== -1 && after < lines.length - 1;
}

/** Returns the sections of lines. A text has one for each of its paragraphs. */
function sectionsOf(lines: readonly string[], before: Before): Placed[] {
  const sections: Placed[] = [];
  let { isText, blanks } = before;
  let from = 0;
  for (const { block, next } of blocksIn(lines)) {
    if (block.kind !== "text") {
      const gap = blanks - (isText ? 1 : 2);
      if (gap > 0) sections.push({ block: EMPTY, gap, next: from });
      sections.push({ block, gap: 0, next });
      [isText, blanks] = [false, 0];
    } else {
      for (let at = from; at < next; ) {
        const start = at;
        while (at < next && !BLANK.test(lines[at] ?? "")) at++;
        if (at > start) {
          // Other blocks have a distance of their own.
          const gap = isText ? blanks : Math.max(0, blanks - 1);
          sections.push({ block: paragraphs(lines.slice(start, at)), gap, next: at });
          [isText, blanks] = [true, 0];
        }
        for (; at < next && BLANK.test(lines[at] ?? ""); at++) blanks++;
      }
    }
    from = next;
  }
  return sections;
}

const EMPTY: Block = { kind: "text", inside: [] };

/** Colours come when the code is complete, since all of them may change until then. */
function uncoloured(section: Section): Section {
  const { block } = section;
  return block.kind === "code" ? { ...section, block: { ...block, language: undefined } } : section;
}
