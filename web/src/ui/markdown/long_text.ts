/** Splits long texts into pieces, because parsing and drawing one at once would block the page. */

import { continuingFence, withClosedFence } from "../../chat/markdown/cut_code";

/** Characters of a piece, and lines of the first one. */
const PIECE = 4_000;
const LINES = 80;
/** A piece ends at a blank line, a line or a word, if one is in its last part. */
const ENDS = ["\n\n", "\n", " "];
const LAST_PART = 0.5;

/** Splits Markdown into pieces that give the same together. A short text is one piece. */
export function piecesOf(content: string): string[] {
  const pieces: string[] = [];
  let at = 0;
  // Code that is split continues as code.
  let fence = "";
  for (let most = lengthOfLines(content); fence.length + content.length - at > most; most = PIECE) {
    const longest = fence + content.slice(at, at + most - fence.length);
    const piece = longest.slice(0, endOf(longest));
    at += piece.length - fence.length;
    // The next piece starts on a line of its own.
    pieces.push(withClosedFence(piece.replace(/\n$/, "")));
    const next = continuingFence(piece);
    fence = next === null ? "" : `${next}\n`;
  }
  return [...pieces, fence + content.slice(at)];
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

/** Returns where a piece ends that starts with a text, and has at most its length. */
function endOf(text: string): number {
  const { length } = text;
  for (const sign of ENDS) {
    const end = text.lastIndexOf(sign);
    if (end > length * LAST_PART) return end + sign.length;
  }
  // Does not split a surrogate pair.
  return /[\uD800-\uDBFF]/.test(text.at(-1) ?? "") ? length - 1 : length;
}
