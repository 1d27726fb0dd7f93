/** Finds where the address of a page starts and ends within a text: see "Addresses" in docs/texts.md. */

import { UNSPACED } from "./characters";

/** What an address starts with, as a regular expression. */
export const ADDRESS_START = `(?<!(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}])(?:https?://|(?<!@)www\\.(?=[\\p{L}\\p{N}]))`;

/** Neither white space, nor punctuation that ends an address, nor a bracket. */
const PART =
  /[^\s<>"`()[\]{}\u104a\u104b\u17d4-\u17d6\u200b\u200e\u200f\u2014\u2015\u201c-\u201f\u2025-\u202e\u2066-\u2069\u3001-\u3003\u3008-\u3011\u3014-\u301f\ufe10-\ufe6b\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff64]*/y;
/** Punctuation at the end of an address belongs to the sentence. */
const TRAILING = ".,:;!?'*_~|\\([{«»‘’‹›։׃،؛؟۔।॥።・･";
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Returns where the address ends that starts at a position with `start`; that position if nothing follows it. */
export function endOfAddress(text: string, from: number, start: string): number {
  const opened: Record<string, number> = {};
  let end = from;
  for (; ; end++) {
    PART.lastIndex = end;
    end += PART.exec(text)?.[0].length ?? 0;
    const sign = text.charAt(end);
    const closing = CLOSING[sign];
    // A closing bracket belongs to an address if it was opened in it.
    if (closing === undefined && !opened[sign]) break;
    opened[closing ?? sign] = (opened[closing ?? sign] ?? 0) + (closing === undefined ? -1 : 1);
  }
  while (TRAILING.includes(text.charAt(end - 1))) end--;
  return end > from + start.length ? end : from;
}

/** Returns where an address leads. */
export const hrefOf = (address: string): string => (/^www\./i.test(address) ? `http://${address}` : address);
