/**
 * Finds bold, italic and struck parts. The rules are narrower than those of CommonMark, so that `3*4*5`, `__init__`,
 * `*.txt, *.md`, a path with `*` in it and `^_^` stay as they are written.
 */

import { UNSPACED } from "./characters";

export interface Text {
  readonly kind: "text";
  readonly text: string;
}

export interface Code {
  readonly kind: "code";
  readonly text: string;
}

export interface Link {
  readonly kind: "link";
  readonly href: string;
  readonly title?: string | undefined;
  readonly inside: readonly Inline[];
  /** Whether its words are its address, which mentions nobody. */
  readonly isAddress?: boolean;
}

export interface Emphasis {
  readonly kind: "bold" | "italic" | "struck";
  readonly inside: readonly Inline[];
}

export type Inline = Text | Code | Link | Emphasis;

/** A run of `*`, `_` or `~`, which may open or close a part. */
export interface Delimiter {
  readonly kind: "delimiter";
  readonly sign: string;
  /** The characters that are not used yet. */
  count: number;
  readonly from: number;
  readonly to: number;
  readonly opens: boolean;
  readonly closes: boolean;
  /** Whether a backslash precedes it. */
  readonly isEscaped: boolean;
  /** Whether it would be formatting without its backslash. */
  needsEscape: boolean;
}

/** Longer runs are text: `__init__`, `****`. */
const COUNTS: Readonly<Record<string, readonly number[]>> = { "*": [1, 2, 3], _: [1], "~": [2] };
/** Open parts that are considered; this limits the depth and the work. */
const OPEN_MAX = 32;

const WORD = /[\p{L}\p{N}\p{M}]/u;
/** In scripts without spaces between words, `*` stands beside letters. */
const UNSPACED_LETTER = new RegExp(`[${UNSPACED}]`, "u");
const NEVER_FIRST = /[\s)\]},;^=|/&]/;
/** As in `-_-` and `:_:`. */
const NEVER_FIRST_AFTER_LINE = /[-.:!?]/;
const CONTENT = /[\p{L}\p{N}\p{S}\p{Extended_Pictographic}]/u;
const FILE_PATTERN = /^\.[\p{L}\p{N}]/u;

const isWord = (sign: string, character: string): boolean =>
  WORD.test(character) && (sign === "_" || !UNSPACED_LETTER.test(character));

/** Returns the run at `from`; `start` is the position of its backslash, if there is one. Null where it is only text. */
export function delimiterAt(text: string, from: number, start: number): Delimiter | null {
  const sign = text.charAt(from);
  let to = from;
  while (text[to] === sign) to++;
  const count = to - from;
  if (COUNTS[sign]?.includes(count) !== true) return null;
  const before = characterBefore(text, start);
  const after = characterAfter(text, to);
  const isSingle = count === 1;
  const isPattern = isSingle && FILE_PATTERN.test(text.slice(to, to + 3));
  const isPath = (character: string): boolean => character === "\\" || (isSingle && character === "/");
  const isFirst = !NEVER_FIRST.test(after) && !(sign === "_" && NEVER_FIRST_AFTER_LINE.test(after));
  return {
    kind: "delimiter",
    sign,
    count,
    from,
    to,
    opens: !isPattern && after !== "" && isFirst && !isWord(sign, before) && !isPath(before) && before !== "@",
    closes: !isPattern && /\S/.test(before) && !isWord(sign, after) && !isPath(after),
    isEscaped: start < from,
    needsEscape: false,
  };
}

function characterBefore(text: string, at: number): string {
  const isPair = at >= 2 && /[\uDC00-\uDFFF]/.test(text.charAt(at - 1));
  return text.slice(Math.max(0, at - (isPair ? 2 : 1)), at);
}

/** Returns the character that follows; the sign where a backslash escapes it. */
function characterAfter(text: string, at: number): string {
  const isEscape = text[at] === "\\" && /[*_~`[]/.test(text.charAt(at + 1));
  return String.fromCodePoint(...[text.codePointAt(isEscape ? at + 1 : at)].filter((code) => code !== undefined));
}

type Token = Inline | Delimiter;

/** Pairs the delimiters among the tokens of a text. What has no partner is text. */
export function withEmphasis(text: string, tokens: readonly Token[]): Inline[] {
  const out: Token[] = [];
  const open: Delimiter[] = [];
  let content = 0;
  let read = 0;
  for (const token of tokens) {
    if (token.kind === "delimiter") {
      content = contentEnd(text, read, token.from) ?? content;
      read = token.from;
      if (token.closes) close(token, content, out, open);
      if (token.count > 0) {
        out.push(token);
        if (token.opens) open.push(token);
        if (open.length > OPEN_MAX) open.shift();
      }
    } else {
      out.push(token);
    }
  }
  return literal(out);
}

/** Returns where the last letter, digit or symbol ends that is between two positions. */
function contentEnd(text: string, from: number, to: number): number | undefined {
  for (let end = to; end > from; ) {
    const character = characterBefore(text, end);
    if (CONTENT.test(character)) return end;
    end -= character.length;
  }
  return undefined;
}

/** Ends the parts that a delimiter closes. `content`: where the last letter, digit or symbol before it ends. */
function close(closing: Delimiter, content: number, out: Token[], open: Delimiter[]): void {
  for (let index = open.length - 1; index >= 0 && closing.count > 0; index--) {
    const opening = open[index];
    if (opening === undefined || opening.to >= content || !isPair(opening, closing)) continue;
    opening.needsEscape ||= opening.isEscaped;
    closing.needsEscape ||= closing.isEscaped;
    if (opening.isEscaped && closing.isEscaped) open.splice(index, 1);
    if (closing.isEscaped) return;
    if (opening.isEscaped) continue;
    const count = Math.min(opening.count, closing.count);
    const inside = literal(out.splice(out.lastIndexOf(opening) + 1));
    opening.count -= count;
    closing.count -= count;
    if (opening.count === 0) out.pop();
    open.length = opening.count === 0 ? index : index + 1;
    out.push(emphasis(closing.sign, count, inside));
    // What is left of the opening delimiter may be closed as well.
    if (opening.count > 0) index++;
  }
}

function isPair(opening: Delimiter, closing: Delimiter): boolean {
  const isSame = opening.count === closing.count || opening.count === 3 || closing.count === 3;
  return opening.sign === closing.sign && isSame;
}

function emphasis(sign: string, count: number, inside: readonly Inline[]): Inline {
  if (sign === "~") return { kind: "struck", inside };
  if (count === 1) return { kind: "italic", inside };
  const bold: Inline = { kind: "bold", inside };
  return count === 2 ? bold : { kind: "italic", inside: [bold] };
}

/** Returns the tokens with delimiters as text, and joins texts. */
function literal(tokens: readonly Token[]): Inline[] {
  const found: Inline[] = [];
  for (const token of tokens) {
    const last = found.at(-1);
    const inline: Inline = token.kind === "delimiter" ? { kind: "text", text: written(token) } : token;
    if (inline.kind !== "text" || last?.kind !== "text") found.push(inline);
    else found[found.length - 1] = { kind: "text", text: last.text + inline.text };
  }
  return found;
}

const written = ({ sign, count, isEscaped, needsEscape }: Delimiter): string =>
  (isEscaped && !needsEscape ? "\\" : "") + sign.repeat(count);
