/** Searches things by their names. */

import { fold } from "../search/fold";

/**
 * Returns the things whose names contain every word of `query`: first those that have this name, then those whose names
 * start with it, then those in which its words start a word.
 */
export function searchByName<T>(things: readonly T[], nameOf: (thing: T) => string, query: string): T[] {
  const words = fold(withoutAt(query)).split(/\s+/).filter(Boolean);
  const same: T[] = [];
  const starts: T[] = [];
  const begins: T[] = [];
  const contains: T[] = [];
  for (const thing of things) {
    const name = fold(nameOf(thing)).trim();
    const parts = name.split(/[^\p{L}\p{N}\p{M}]+/u);
    if (name === words.join(" ")) same.push(thing);
    else if (name.startsWith(words.join(" "))) starts.push(thing);
    else if (words.every((word) => parts.some((part) => part.startsWith(word)))) begins.push(thing);
    else if (words.every((word) => name.includes(word))) contains.push(thing);
  }
  return [...same, ...starts, ...begins, ...contains];
}

/** Returns what is sought without the sign that the page shows before handles, and no handle has. */
export const withoutAt = (query: string): string => query.trim().replace(/^@/, "");

/** Returns what somebody is found by. */
export const nameAndHandle = ({ name, handle }: { name: string; handle?: string | undefined }): string =>
  handle === undefined ? name : `${name} @${handle}`;
