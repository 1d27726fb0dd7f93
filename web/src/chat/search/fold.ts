/** The form in which searches compare texts, as on the server (`core/domain/search/words.py`), so that both find the same. */

/** Letters that do not decompose into a base letter and an accent. */
const SPELLINGS: Readonly<Record<string, string>> = {
  ı: "i",
  ł: "l",
  ø: "o",
  đ: "d",
  ð: "d",
  ħ: "h",
  ŧ: "t",
  æ: "ae",
  œ: "oe",
  þ: "th",
  // Letters that Arabic, Persian and Urdu keyboards write differently, or that are written for each other.
  "\u0671": "\u0627",
  "\u0672": "\u0627",
  "\u0673": "\u0627",
  "\u0649": "\u064a",
  "\u06cc": "\u064a",
  "\u06a9": "\u0643",
  "\u06aa": "\u0643",
  "\u0629": "\u0647",
  "\u06be": "\u0647",
  "\u06c1": "\u0647",
  "\u06c3": "\u0647",
  "\u06d5": "\u0647",
};

/** Accents and characters that nobody sees, but not the signs for vowels of Indic scripts and for voiced kana. */
const DROPPED =
  /(?![\u0900-\u1aaf\u3099\u309a])\p{Mn}|[\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc\u0e38\u0e39\u0e48-\u0e4b]|\u0640|(?!\u200b)\p{Cf}/gu;
const DIGIT = /\p{Nd}/u;

/** Returns the text without case, accents and width, decomposed. Each character is folded alone. */
export const fold = (text: string): string => text.replace(/\P{ASCII}/gu, foldedCharacter).toLowerCase();

function foldedCharacter(character: string): string {
  // Each of these cases has letters that the others leave as they are: ẞ, ß, ς.
  const plain = character.normalize("NFKD").replace(DROPPED, "").toLowerCase().toUpperCase().toLowerCase();
  return plain.replace(/\P{ASCII}/gu, (letter) => SPELLINGS[letter] ?? (DIGIT.test(letter) ? digitOf(letter) : letter));
}

/** The digits of each script follow each other, from zero on. */
function digitOf(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  let zero = code;
  while (DIGIT.test(String.fromCodePoint(zero - 1))) zero--;
  return String((code - zero) % 10);
}
