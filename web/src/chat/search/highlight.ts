/** Finds the words of a search in a text, ignoring case, accents and width like the server. */

import { fold } from "./fold";

export interface Piece {
  readonly text: string;
  readonly isFound: boolean;
}

/** A text as it is compared, and the original position of each letter. */
interface FoldedText {
  readonly letters: string;
  readonly places: readonly number[];
}

/** The start and the end of what was found. */
type Range = readonly [number, number];

const EXCERPT = 240;
const BEFORE_FOUND = 60;

/** Splits a text into pieces that match the search, or do not. */
export function piecesOf(text: string, query: string): Piece[] {
  return split(text, foundIn(text, query));
}

/** Splits a name where each word of `query` is found in it: at the start of a word, or otherwise within one. */
export function piecesOfName(name: string, query: string): Piece[] {
  const { letters, places } = foldWithPlaces(name);
  const words = fold(query).split(/\s+/).filter(Boolean);
  const found = words
    .map((word) => [indexIn(letters, word), word.length] as const)
    .filter(([index]) => index >= 0)
    .map(([index, length]): Range => [places[index] ?? 0, places[index + length] ?? name.length]);
  return split(name, found);
}

/** Matches where no word continues. */
const WORD_START = /(?<![\p{L}\p{N}\p{M}])/uy;

function indexIn(letters: string, word: string): number {
  const first = letters.indexOf(word);
  for (let index = first; index >= 0; index = letters.indexOf(word, index + 1)) {
    WORD_START.lastIndex = index;
    if (WORD_START.test(letters)) return index;
  }
  return first;
}

/** Splits a text at what was found in it. What overlaps is one piece after the other. */
function split(text: string, found: readonly Range[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const [first, end] of found.toSorted(([one], [other]) => one - other)) {
    const start = Math.max(first, at);
    if (end <= start) continue;
    if (start > at) pieces.push({ text: text.slice(at, start), isFound: false });
    pieces.push({ text: text.slice(start, end), isFound: true });
    at = end;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), isFound: false });
  return pieces;
}

/** Returns the part of a long text around the first match. */
export function excerptOf(text: string, query: string): string {
  const start = foundIn(text, query)[0]?.[0] ?? 0;
  const from = start <= BEFORE_FOUND * 2 ? 0 : text.indexOf(" ", start - BEFORE_FOUND) + 1 || start;
  const part = text.slice(from, from + EXCERPT);
  return `${from > 0 ? "…" : ""}${part}${from + EXCERPT < text.length ? "…" : ""}`;
}

/** Returns each match, in order. */
function foundIn(text: string, query: string): Range[] {
  const pattern = patternOf(query);
  if (pattern === null) return [];
  const { letters, places } = foldWithPlaces(text);
  return [...letters.matchAll(pattern)].map(({ index, 0: found }) => [
    places[index] ?? 0,
    places[index + found.length] ?? text.length,
  ]);
}

/** The server's limit. */
const QUERY_MAX = 1_000;
const WORD = "[\\p{L}\\p{N}\\p{M}]";
/** Scripts without spaces between words, of which any part may match. */
const UNSPACED =
  /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\u3099\u309a]+$/u;

/** Words match as a whole; the last one may be the start of a word. */
function patternOf(query: string): RegExp | null {
  const words = fold(query.slice(0, QUERY_MAX)).match(/[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}/gu) ?? [];
  if (words.length === 0) return null;
  const mayGoOn = /[\p{L}\p{N}\p{M}]\s*$/u.test(query);
  const patterns = words.map((word, index) => {
    if (UNSPACED.test(word) || !/[\p{L}\p{N}]/u.test(word)) return word;
    const goesOn = mayGoOn && index === words.length - 1 && word.length > 1;
    return `(?<!${WORD})${word}${goesOn ? `${WORD}*` : `(?!${WORD})`}`;
  });
  return new RegExp(patterns.join("|"), "gu");
}

function foldWithPlaces(text: string): FoldedText {
  const places: number[] = [];
  let letters = "";
  let place = 0;
  for (const letter of text) {
    const plain = fold(letter);
    for (let index = 0; index < plain.length; index++) places.push(place);
    letters += plain;
    place += letter.length;
  }
  return { letters, places };
}
