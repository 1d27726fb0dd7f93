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

function shown(text: string): string {
  return text.replace(INVISIBLE, "").normalize("NFC").replace(/\s+/gu, " ").trim();
}
