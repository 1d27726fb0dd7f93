/** Parses the formatting within a paragraph: code, links and emphasis. */

import { ADDRESS_START, endOfAddress, hrefOf } from "./addresses";
import { UNSPACED } from "./characters";
import { type Delimiter, delimiterAt, type Inline, type Link, withEmphasis } from "./emphasis";

export type { Inline } from "./emphasis";

/**
 * What may be more than text: a sign, an address, or an e-mail address. The part of an e-mail address before its `@` has
 * at most 64 characters (RFC 5321, section 4.5.3.1.1), so that no position is read more often.
 */
const NEXT = new RegExp(
  `[\\\\\x60*_~[!<]|${ADDRESS_START}|(?<!(?![${UNSPACED}])[\\p{L}\\p{N}]|[.%+@＠/-])[A-Za-z0-9][\\w.%+-]{0,63}@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+`,
  "giu",
);
const LABELLED =
  /!?\[((?:[^[\]\n]|\[[^[\]\n]*\])*)\]\([ ]?((?:https?:\/\/|mailto:)[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)(?: +(?:"([^"\n]*)"|'([^'\n]*)'))?[ ]?\)/iy;
const BRACKETED = /<((?:https?:\/\/|mailto:)[^\s<>]+|[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)>/iy;

type Token = Inline | Delimiter;

/** Returns the parts of a paragraph. `inLink`: a link contains no others. */
export function inlinesOf(text: string, inLink = false): Inline[] {
  const tokens: Token[] = [];
  const ticks = ticksOf(text);
  let at = 0;
  const put = (token: Token, from: number, to: number): void => {
    if (from > at) tokens.push({ kind: "text", text: text.slice(at, from) });
    tokens.push(token);
    at = to;
    next.lastIndex = to;
  };
  const next = new RegExp(NEXT);
  for (let found = next.exec(text); found !== null; found = next.exec(text)) {
    const { index } = found;
    const isEscape = found[0] === "\\";
    const from = isEscape ? index + 1 : index;
    const sign = text.charAt(from);
    if (/[*_~]/.test(sign)) {
      const delimiter = delimiterAt(text, from, index);
      if (delimiter !== null) put(delimiter, index, delimiter.to);
      else next.lastIndex = endOfRun(text, from);
    } else if (sign === "`") {
      const to = endOfRun(text, from);
      const closing = isEscape ? undefined : ticks.next.get(from);
      if (closing !== undefined) put(code(text.slice(to, closing)), index, closing + to - from);
      else if (isEscape && ticks.repeated.has(to - from)) put({ kind: "text", text: text.slice(from, to) }, index, to);
      else next.lastIndex = to;
    } else {
      const link = inLink ? null : linkAt(text, from, found[0]);
      if (link === null) continue;
      if (!isEscape) put(link.link, index, link.to);
      else if (/[[!<]/.test(sign)) put({ kind: "text", text: sign }, index, index + 2);
    }
  }
  if (at < text.length) tokens.push({ kind: "text", text: text.slice(at) });
  return withEmphasis(text, tokens);
}

function endOfRun(text: string, from: number): number {
  let to = from + 1;
  while (text[to] === text[from]) to++;
  return to;
}

interface Ticks {
  /** By where a run of backticks starts: where the next one of the same length does. */
  readonly next: ReadonlyMap<number, number>;
  /** The lengths of which there is more than one run. */
  readonly repeated: ReadonlySet<number>;
}

function ticksOf(text: string): Ticks {
  const next = new Map<number, number>();
  const repeated = new Set<number>();
  const last = new Map<number, number>();
  for (const { index, 0: run } of text.matchAll(/`+/g)) {
    const before = last.get(run.length);
    if (before !== undefined) {
      next.set(before, index);
      repeated.add(run.length);
    }
    last.set(run.length, index);
  }
  return { next, repeated };
}

/** Returns code; a space at both ends only separates it from backticks. */
function code(text: string): Inline {
  const isPadded = text.length > 2 && text.startsWith(" ") && text.endsWith(" ") && text.trim() !== "";
  return { kind: "code", text: isPadded ? text.slice(1, -1) : text };
}

interface FoundLink {
  readonly link: Link;
  readonly to: number;
}

/** Returns the link at a position; null where there is none. Only addresses of pages and e-mail addresses are links. */
function linkAt(text: string, from: number, found: string): FoundLink | null {
  if (found === "<" || text[from] === "<") return bracketedAt(text, from);
  if (found.length > 1) return bareAt(text, from, found);
  return labelledAt(text, from);
}

function labelledAt(text: string, from: number): FoundLink | null {
  LABELLED.lastIndex = from;
  const found = LABELLED.exec(text);
  if (found === null) return null;
  const [all, label = "", href = "", doubled, single] = found;
  const isPicture = all.startsWith("!");
  // A link without words could not be seen.
  if (label.trim() === "" && !isPicture) return null;
  if (isPicture && label === "") return { link: { ...linkTo(href), title: doubled ?? single }, to: from + all.length };
  const inside: Inline[] = isPicture ? [{ kind: "text", text: label }] : inlinesOf(label, true);
  return { link: { kind: "link", href, title: doubled ?? single, inside }, to: from + all.length };
}

function bracketedAt(text: string, from: number): FoundLink | null {
  BRACKETED.lastIndex = from;
  const found = BRACKETED.exec(text);
  if (found === null) return null;
  const [all, address = ""] = found;
  return { link: linkTo(address), to: from + all.length };
}

function bareAt(text: string, from: number, found: string): FoundLink | null {
  const to = found.includes("@") ? from + found.length : endOfAddress(text, from, found);
  return to === from ? null : { link: linkTo(text.slice(from, to)), to };
}

function linkTo(address: string): Link {
  const isMail = address.includes("@") && !/^(?:https?:|mailto:|www\.)/i.test(address);
  const href = isMail ? `mailto:${address}` : hrefOf(address);
  return { kind: "link", href, inside: [{ kind: "text", text: address }], isAddress: true };
}
