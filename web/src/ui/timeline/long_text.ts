/** Splits long texts into pieces, because parsing and drawing one at once would block the page. */

/** Characters of a piece, and lines of the first one. */
const PIECE = 4_000;
const LINES = 80;
/** A piece ends at a blank line, a line or a word, if one is in its last part. */
const ENDS = ["\n\n", "\n", " "];
const LAST_PART = 0.5;
const QUOTES_MAX = 6;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const DEEP_QUOTE = new RegExp(`^((?:[ \\t]*>){${QUOTES_MAX}})(?:[ \\t]*>)+`, "gm");

/** Splits Markdown into pieces that give the same together. A short text is one piece. */
export function piecesOf(content: string): string[] {
  const pieces: string[] = [];
  let rest = content.replace(DEEP_QUOTE, "$1");
  for (let most = lengthOfLines(rest); rest.length > most; most = PIECE) {
    const end = endOf(rest, most);
    const piece = rest.slice(0, end);
    const fence = openFence(piece);
    pieces.push(piece);
    // Code that is split continues as code.
    rest = (fence === null ? "" : `${fence}\n`) + rest.slice(end).replace(/^\n+/, "");
  }
  return [...pieces, rest];
}

/** Returns the number of characters in the lines of the first piece. */
function lengthOfLines(text: string): number {
  let end = -1;
  for (let line = 0; line < LINES; line++) {
    end = text.indexOf("\n", end + 1);
    if (end === -1 || end >= PIECE) return PIECE;
  }
  return Math.max(1, end);
}

function endOf(text: string, most: number): number {
  for (const sign of ENDS) {
    const end = text.lastIndexOf(sign, most - sign.length);
    if (end > most * LAST_PART) return end + sign.length;
  }
  // Does not split a surrogate pair.
  return /[\uD800-\uDBFF]/.test(text[most - 1] ?? "") ? most - 1 : most;
}

/** Returns the line that opens the code block in which a piece ends; null where it ends in none. */
function openFence(piece: string): string | null {
  let open: { readonly line: string; readonly sign: string } | null = null;
  for (const line of piece.split("\n")) {
    const sign = FENCE.exec(line)?.[1];
    if (sign === undefined) continue;
    if (open === null) open = { line, sign };
    else if (sign.startsWith(open.sign)) open = null;
  }
  return open?.line ?? null;
}
