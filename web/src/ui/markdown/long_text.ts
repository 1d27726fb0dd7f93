/** Splits long texts into pieces, because parsing and drawing one at once would block the page. */

import { openFence, withClosedFence } from "../../chat/markdown/cut_code";

/** Characters of a piece, and lines of the first one. */
const PIECE = 4_000;
const LINES = 80;
/** A piece ends at a blank line, a line or a word, if one is in its last part. */
const ENDS = ["\n\n", "\n", " "];
const LAST_PART = 0.5;

/** Splits Markdown into pieces that give the same together. A short text is one piece. */
export function piecesOf(content: string): string[] {
  const pieces: string[] = [];
  let rest = content;
  for (let most = lengthOfLines(rest); rest.length > most; most = PIECE) {
    const end = endOf(rest, most);
    const piece = rest.slice(0, end);
    const fence = openFence(piece);
    // The next piece starts on a line of its own.
    pieces.push(withClosedFence(piece.replace(/\n$/, "")));
    // Code that is split continues as code.
    rest = (fence === null ? "" : `${fence}\n`) + rest.slice(end);
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
