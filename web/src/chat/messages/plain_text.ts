/** Enough for whatever shows one line or a few; it also bounds the work. */
const MAX = 600;

/** The beginning of a text as it is read, without the signs of its Markdown. */
export function plainText(text: string): string {
  return text
    .slice(0, MAX)
    .replace(/!?\[([^\]\n]+)\]\([^)\s]*\)/g, "$1")
    .replace(/(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1/g, "$2")
    .replace(/(?<![\p{L}\p{N}*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\p{L}\p{N}*])/gu, "$1")
    .replace(/(`+)([^`]+)\1/g, "$2")
    .replace(/^ {0,3}(?:#{1,6}|>) +/gm, "");
}
