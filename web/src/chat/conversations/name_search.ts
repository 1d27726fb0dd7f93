/** Finds what is called something like what was typed. */

/** Those whose names have every word of `query` in them, in their order; first those where the words begin a word. */
export function searchByName<T>(things: readonly T[], nameOf: (thing: T) => string, query: string): T[] {
  const words = normalized(query).split(/\s+/).filter(Boolean);
  const begins: T[] = [];
  const contains: T[] = [];
  for (const thing of things) {
    const name = normalized(nameOf(thing));
    const parts = name.split(/[^\p{L}\p{N}]+/u);
    if (words.every((word) => name.startsWith(word) || parts.some((part) => part.startsWith(word)))) begins.push(thing);
    else if (words.every((word) => name.includes(word))) contains.push(thing);
  }
  return [...begins, ...contains];
}

/** Without case and accents. */
const normalized = (text: string): string =>
  text
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .toLocaleLowerCase()
    .trim();
