/**
 * Parses a message's Markdown. What is not formatting is text as it is written: indentation, blank lines, dashes,
 * backslashes and numbers. See "Formatting" in docs/web-client.md.
 */

import { FenceClosings } from "./fence_closings";
import { type Inline, inlinesOf } from "./inlines";

export interface ListItem {
  /** As it is written: `-`, `*`, `2.` or `2)`. */
  readonly sign: string;
  /** Whether a task is done; undefined for other items. */
  readonly isDone: boolean | undefined;
  readonly inside: readonly Block[];
}

export type Cells = readonly (readonly Inline[])[];
export type Alignment = "left" | "center" | "right" | undefined;

export type Block =
  | { readonly kind: "text"; readonly inside: readonly Inline[] }
  | { readonly kind: "heading"; readonly level: number; readonly inside: readonly Inline[] }
  | { readonly kind: "quote"; readonly inside: readonly Block[] }
  | { readonly kind: "list"; readonly items: readonly ListItem[] }
  | { readonly kind: "code"; readonly language: string | undefined; readonly text: string }
  | { readonly kind: "table"; readonly alignments: readonly Alignment[]; readonly head: Cells; readonly rows: Cells[] };

/** A block where it is among the lines. */
export interface Found {
  readonly block: Block;
  /** The line after it. */
  readonly next: number;
}

/** Quotes and lists in each other; deeper ones are text. */
const DEPTH_MAX = 6;
/** A line within an item starts at least this far behind the item's sign. */
const INDENT = 2;

export const FENCE = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)$/;
const QUOTE = /^>(?: |$)/;
const HEADING = /^(#{1,6}) +(\S.*)$/;
const ITEM = /^([ \t]*)([-*]|(?:0|[1-9]\d{0,8})[.)])([ \t]+)(\S.*)$/;
const TASK = /^\[([ xX])\] +(?=\S)/;
/** A line of only such signs is text. */
const RULE = /^[-*_\s]+$/;
export const BLANK = /^\s*$/;
const ESCAPED = /^(\s*)\\(?=#{1,6} +\S|> |[-*] +\S)|^(\s*\d{1,9})\\(?=[.)] +\S)/;

/** Returns the blocks of a text, in order. */
export function blocksOf(text: string): Block[] {
  return parse(text.split(/\r?\n/), 0);
}

const parse = (lines: readonly string[], depth: number): Block[] => blocksIn(lines, depth).map(({ block }) => block);

/** Whether a text ends in words, also in those of a list, and not in code, a table or a quote. */
export function endsInWords(content: string): boolean {
  let last = blocksOf(content).at(-1);
  while (last?.kind === "list") last = last.items.at(-1)?.inside.at(-1);
  return last?.kind === "text" || last?.kind === "heading";
}

/** Returns the blocks of lines, in order: each ends where the next one begins. */
export function blocksIn(lines: readonly string[], depth = 0): Found[] {
  const blocks: Found[] = [];
  const closings = new FenceClosings(lines);
  let from = 0;
  for (let at = 0; at < lines.length; ) {
    const found = codeAt(lines, at, closings) ?? blockAt(lines, at, depth);
    if (found === null) {
      at++;
      continue;
    }
    if (at > from) blocks.push({ block: paragraphs(lines.slice(from, at)), next: at });
    blocks.push(found);
    at = found.next;
    from = at;
  }
  if (from < lines.length) blocks.push({ block: paragraphs(lines.slice(from)), next: lines.length });
  return blocks;
}

function blockAt(lines: readonly string[], at: number, depth: number): Found | null {
  const line = lines[at] ?? "";
  const found = headingAt(line, at) ?? tableAt(lines, at);
  if (found !== null || depth === DEPTH_MAX) return found;
  return quoteAt(lines, at, depth) ?? listAt(lines, at, depth);
}

/** Returns lines without other blocks. Formatting does not reach over a blank line. */
export function paragraphs(lines: readonly string[]): Block {
  const text = lines.map((line) => line.replace(ESCAPED, "$1$2")).join("\n");
  const inside = text
    .split(/(\n(?:[^\S\n]*\n)+)/)
    .flatMap((part, index): Inline[] => (index % 2 === 0 ? inlinesOf(part) : [{ kind: "text", text: part }]));
  return { kind: "text", inside };
}

/** A fence that is not closed is text. The closing one may also end the last line. */
function codeAt(lines: readonly string[], at: number, closings: FenceClosings): Found | null {
  const [, indent = "", fence = "", info = ""] = FENCE.exec(lines[at] ?? "") ?? [];
  if (fence === "") return null;
  const alone = closings.find(fence, at + 1, "alone");
  const end = alone ?? closings.find(fence, at + 1, "at the end");
  if (end === undefined) return null;
  const code = lines.slice(at + 1, end).map((line) => dedented(line, indent.length));
  if (alone === undefined) code.push((lines[end] ?? "").trimEnd().slice(0, -fence.length));
  const name = info.trim();
  const isLanguage = /^[\w+#.-]+$/.test(name);
  if (!isLanguage && name !== "") code.unshift(info);
  const block: Block = { kind: "code", language: isLanguage ? name : undefined, text: code.join("\n") };
  return { block, next: end + 1 };
}

function headingAt(line: string, at: number): Found | null {
  const [, signs = "", text = ""] = HEADING.exec(line) ?? [];
  if (signs === "") return null;
  return { block: { kind: "heading", level: signs.length, inside: inlinesOf(text) }, next: at + 1 };
}

function quoteAt(lines: readonly string[], at: number, depth: number): Found | null {
  if (!/^> +\S/.test(lines[at] ?? "")) return null;
  let next = at + 1;
  while (next < lines.length && QUOTE.test(lines[next] ?? "")) next++;
  const inside = lines.slice(at, next).map((line) => line.slice(2));
  return { block: { kind: "quote", inside: parse(inside, depth + 1) }, next };
}

function tableAt(lines: readonly string[], at: number): Found | null {
  const [first = "", second = ""] = [lines[at], lines[at + 1]];
  if (!first.includes("|") || !second.includes("|") || !second.includes("-")) return null;
  const head = cellsOf(first);
  const alignments = cellsOf(second);
  if (head.length !== alignments.length || !alignments.every((cell) => /^:?-+:?$/.test(cell))) return null;
  let next = at + 2;
  while (lines[next]?.includes("|") === true) next++;
  const rows = lines.slice(at + 2, next).map((line) => cellsOf(line).map((cell) => inlinesOf(cell)));
  return {
    block: {
      kind: "table",
      alignments: alignments.map(alignmentOf),
      head: head.map((cell) => inlinesOf(cell)),
      rows,
    },
    next,
  };
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignmentOf(cell: string): Alignment {
  if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "right";
  return cell.startsWith(":") ? "left" : undefined;
}

interface Sign {
  readonly indent: number;
  readonly sign: string;
  /** Where its text starts. */
  readonly width: number;
  readonly text: string;
}

function signAt(line: string): Sign | null {
  const found = ITEM.exec(line);
  if (found === null || RULE.test(line)) return null;
  const [, space = "", sign = "", gap = "", text = ""] = found;
  const indent = widthOf(space);
  return { indent, sign, width: indent + sign.length + Math.min(gap.length, 4), text };
}

/** Items of one kind, with the lines that are indented behind their signs. */
function listAt(lines: readonly string[], at: number, depth: number): Found | null {
  const first = signAt(lines[at] ?? "");
  if (first === null || first.indent > 3) return null;
  const items: ListItem[] = [];
  let next = at;
  for (let item: Sign | null = first; item !== null && isAlike(item, first); item = signAt(lines[next] ?? "")) {
    const end = endOfItem(lines, next + 1, item.indent + INDENT);
    const { width, sign } = item;
    const task = TASK.exec(item.text);
    const inside = [item.text.replace(TASK, ""), ...lines.slice(next + 1, end).map((line) => dedented(line, width))];
    items.push({ sign, isDone: task === null ? undefined : task[1] !== " ", inside: parse(inside, depth + 1) });
    next = end;
  }
  return { block: { kind: "list", items }, next };
}

const isAlike = (one: Sign, other: Sign): boolean =>
  one.sign.at(-1) === other.sign.at(-1) && Math.abs(one.indent - other.indent) < INDENT;

function endOfItem(lines: readonly string[], from: number, indent: number): number {
  let end = from;
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (BLANK.test(line)) continue;
    if (widthOf(/^[ \t]*/.exec(line)?.[0] ?? "") < indent) break;
    end = at + 1;
  }
  return end;
}

const widthOf = (space: string): number => space.replaceAll("\t", "    ").length;

/** Returns a line without so many columns of its indentation. */
function dedented(line: string, columns: number): string {
  let width = 0;
  let at = 0;
  for (; width < columns && /[ \t]/.test(line.charAt(at)); at++) width += line[at] === "\t" ? 4 : 1;
  return line.slice(at);
}
