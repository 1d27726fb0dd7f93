/** Markdown that is being written, with the ends that its formatting does not have yet. */

/** A last line that becomes formatting with what follows it: a sign of a heading, an item, a quote, code or a table. */
const BEGUN = /(^|\n)[ \t]*(?:#{1,6}|[-*+>|]|\d{1,9}[.)]|[-*] \[[ xX]?\]?|`{3,}[^`\n]*|~{3,}[^\n]*|`+|~+)[ \t]*$/;
/** A link whose address is not complete. */
const LINK = /!?\[([^[\]\n]*)\]\([^\s()]*$/;
/** The beginning of the line below the head of a table. */
const RULE = /^\s*\|?[\s:|-]*$/;
const CELLS = /(?<!\\)\|/;

/**
 * Returns a text as it will look when the formatting in its last line has its end. What has only begun is left out, so that
 * signs do not appear before they disappear.
 */
export function completed(text: string): string {
  return withTable(withEmphasis(text.replace(BEGUN, "").replace(LINK, "$1")));
}

/** Closes code or bold words in the last line. */
function withEmphasis(text: string): string {
  const line = text.slice(text.lastIndexOf("\n") + 1);
  if (count(line, "`") % 2 === 1) return line.endsWith("`") ? text.slice(0, -1) : `${text}\``;
  if (count(line.replaceAll(/`[^`]*`/g, ""), "**") % 2 === 0) return text;
  const words = text.replace(/\*+$/, "");
  // Nothing is bold yet, or its end is half there.
  return words.endsWith("\n") || /\*\*$/.test(line) ? words : `${words.trimEnd()}**`;
}

const count = (text: string, sign: string): number => text.split(sign).length - 1;

/** Adds the line below the head of a table, which makes it one. */
function withTable(text: string): string {
  const lines = text.split("\n");
  const last = lines.at(-1) ?? "";
  const isRule = lines.length > 1 && last.includes("|") && RULE.test(last);
  const head = lines.at(isRule ? -2 : -1) ?? "";
  const above = lines.at(isRule ? -3 : -2);
  if (!/^\s*\|./.test(head) || above?.includes("|")) return text;
  const cells = cellsIn(head);
  if (isRule && cellsIn(last) === cells && last.trimEnd().endsWith("|")) return text;
  return [...(isRule ? lines.slice(0, -1) : lines), `|${"-|".repeat(Math.max(1, cells))}`].join("\n");
}

/** Returns the number of cells in a line that starts with a bar. */
const cellsIn = (line: string): number => line.trim().replace(/\|$/, "").split(CELLS).length - 1;
