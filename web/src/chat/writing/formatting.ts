/** Markdown around the selected text, for the keyboard shortcuts and the toolbar. */

export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  /** The selection afterwards. */
  readonly selection: readonly [number, number];
}

export type Format = "bold" | "italic" | "strike" | "code" | "codeBlock" | "quote" | "list" | "link";

const SIGNS = { bold: "**", italic: "_", strike: "~~", code: "`" } as const;
const LINES = { quote: "> ", list: "- " } as const;
const FENCE = "```";

/** Formats the selection, or removes that format from it. */
export function formatted(format: Format, text: string, from: number, to: number): Edit {
  if (format === "link") return linked(text, from, to);
  if (format === "codeBlock") return fenced(text, from, to);
  if (format === "quote" || format === "list") return withPrefix(text, from, to, LINES[format]);
  return toggled(text, from, to, SIGNS[format]);
}

/** Puts the sign around the selection, or removes it. Space at the ends stays outside, where the sign would be text. */
export function toggled(text: string, selectedFrom: number, selectedTo: number, sign: string): Edit {
  const selected = text.slice(selectedFrom, selectedTo);
  const chosen = selected.trim() === "" ? selected : selected.trim();
  const from = selectedFrom + (chosen === selected ? 0 : selected.length - selected.trimStart().length);
  const to = from + chosen.length;
  const { length } = sign;
  if (text.slice(from - length, from) === sign && text.slice(to, to + length) === sign)
    return { from: from - length, to: to + length, insert: chosen, selection: [from - length, to - length] };
  const isInside = chosen.length >= 2 * length && chosen.startsWith(sign) && chosen.endsWith(sign);
  if (isInside) {
    const insert = chosen.slice(length, -length);
    return { from, to, insert, selection: [from, from + insert.length] };
  }
  return { from, to, insert: `${sign}${chosen}${sign}`, selection: [from + length, to + length] };
}

/** Puts the prefix before each line of the selection, or removes it where all have it. */
function withPrefix(text: string, selectedFrom: number, selectedTo: number, prefix: string): Edit {
  const from = text.lastIndexOf("\n", selectedFrom - 1) + 1;
  const end = text.indexOf("\n", selectedTo);
  const to = end === -1 ? text.length : end;
  const lines = text.slice(from, to).split("\n");
  const has = lines.every((line) => line.startsWith(prefix));
  const insert = lines.map((line) => (has ? line.slice(prefix.length) : prefix + line)).join("\n");
  const last = from + insert.length;
  return { from, to, insert, selection: [selectedFrom === selectedTo ? last : from, last] };
}

/** Puts fences on lines of their own around the selection, or removes them. */
function fenced(text: string, from: number, to: number): Edit {
  const chosen = text.slice(from, to);
  const [opening, closing] = [`${FENCE}\n`, `\n${FENCE}`];
  const before = from - opening.length;
  if (text.slice(Math.max(0, before), from) === opening && text.startsWith(closing, to))
    return { from: before, to: to + closing.length, insert: chosen, selection: [before, before + chosen.length] };
  const first = from === 0 || text[from - 1] === "\n" ? "" : "\n";
  const last = to === text.length || text[to] === "\n" ? "" : "\n";
  const start = from + first.length + opening.length;
  const insert = first + opening + chosen + closing + last;
  return { from, to, insert, selection: [start, start + chosen.length] };
}

/** Makes the selection the words of a link, or its address. Afterwards, what is missing is selected. */
function linked(text: string, from: number, to: number): Edit {
  const chosen = text.slice(from, to).trim();
  if (/^(?:https?:\/\/|mailto:)\S+$/i.test(chosen) || chosen === "")
    return { from, to, insert: `[](${chosen || "https://"})`, selection: [from + 1, from + 1] };
  const start = from + chosen.length + 3;
  return { from, to, insert: `[${chosen}](https://)`, selection: [start, start + "https://".length] };
}

/** Whether a text ends within a block of code that a fence has opened. */
export function isInFence(before: string): boolean {
  return (before.match(/^ {0,3}```[^`\n]*$/gm)?.length ?? 0) % 2 === 1;
}

/**
 * Returns the edit by which a new line in a list starts the next item; an empty item ends the list. Null where the line
 * is no item of a list.
 */
export function continuedList(text: string, caret: number): Edit | null {
  const start = text.lastIndexOf("\n", caret - 1) + 1;
  const item = /^( *)(?:([-*+])|(\d{1,8})([.)])) (.*)$/.exec(text.slice(start, caret));
  if (item === null || isInFence(text.slice(0, caret))) return null;
  const [, indent = "", sign, number, end, words = ""] = item;
  const next = `\n${indent}${sign ?? `${Number(number) + 1}${end}`} `;
  const edit = words.trim() === "" ? { from: start, insert: "" } : { from: caret, insert: next };
  const at = edit.from + edit.insert.length;
  return { ...edit, to: caret, selection: [at, at] };
}

/**
 * Returns the edit that removes the sign of a list item which was typed behind the one that `continuedList` had inserted,
 * before the space behind it is typed. Null elsewhere.
 */
export function withoutSecondSign(text: string, caret: number): Edit | null {
  const lines = text.slice(0, caret).split("\n");
  const [, inserted = "", typed = ""] =
    /^( *(?:[-*+]|\d{1,8}[.)]) )([-*+]|\d{1,8}[.)])$/.exec(lines.at(-1) ?? "") ?? [];
  const previous = lines.slice(0, -1).join("\n");
  const { insert } = continuedList(previous, previous.length) ?? {};
  if (typed === "" || insert !== `\n${inserted}`) return null;
  const from = caret - typed.length;
  return { from, to: caret, insert: "", selection: [from, from] };
}
