/** Finds emoji by their names, short codes and keywords. */

import type { EmojiEntry } from "./emoji";

/** Returns the emoji that match every word of `query`, the best matches first; all without a query. */
export function searchEmoji(entries: readonly EmojiEntry[], query: string): readonly EmojiEntry[] {
  const words = query
    .toLowerCase()
    .split(/[\s_:]+/)
    .filter(Boolean);
  if (words.length === 0) return entries;
  const sought = { code: words.join("_"), name: words.join(" "), words: [...new Set(words)] };
  return entries
    .map((entry) => ({ entry, rank: rankOf(entry, sought) }))
    .filter(({ rank }) => rank < NO_MATCH)
    .sort((one, other) => one.rank - other.rank)
    .map(({ entry }) => entry);
}

const NO_MATCH = 7;

/** All words together, as a short code and as a name; and each of them. */
interface Sought {
  readonly code: string;
  readonly name: string;
  readonly words: readonly string[];
}

/** A whole name comes first, then the start of one, keywords, and the middle of a name. */
function rankOf({ label, codes, tags }: EmojiEntry, sought: Sought): number {
  const name = label.toLowerCase();
  if (codes.includes(sought.code) || name === sought.name) return 0;
  if (codes.some((code) => code.startsWith(sought.code))) return 1;
  return sought.words.reduce((rank, word) => Math.max(rank, rankOfWord(word, name, codes, tags)), 0);
}

function rankOfWord(word: string, name: string, codes: readonly string[], tags: readonly string[]): number {
  const parts = [name, ...codes].flatMap((each) => each.split(/[\s_:,-]+/));
  if (parts.includes(word)) return 2;
  if (tags.includes(word)) return 3;
  if (parts.some((part) => part.startsWith(word))) return 4;
  if (tags.some((tag) => tag.startsWith(word))) return 5;
  return [name, ...codes].some((each) => each.includes(word)) ? 6 : NO_MATCH;
}
