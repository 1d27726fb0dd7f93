/** Characters that nobody sees and hardly anybody can type, such as spaces without width and marks of direction. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Emoji, also those that are a digit in a frame, and other symbols. */
const SYMBOLS = /[\d#*]\ufe0f?\u20e3|\p{Extended_Pictographic}|\p{Symbol}/gu;

/**
 * Whether two texts look the same on the page, which shows spaces in a row as one, or have the same words: letter case,
 * emoji and other symbols do not matter where there is more than those.
 */
export function looksLike(one: string, other: string): boolean {
  const words = wordsOf(one);
  return shown(one) === shown(other) || (words !== "" && words === wordsOf(other));
}

function wordsOf(text: string): string {
  return shown(text.replace(SYMBOLS, "")).toUpperCase();
}

/** More marks on one letter make no difference, and would be sorted (Unicode's "Stream-Safe Text Format", UAX 15). */
const MANY_MARKS = /(\p{M}{30})\p{M}+/gu;

function shown(text: string): string {
  return text.replace(INVISIBLE, "").replace(MANY_MARKS, "$1").normalize("NFC").replace(/\s+/gu, " ").trim();
}
