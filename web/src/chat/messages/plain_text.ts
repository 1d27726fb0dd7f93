/** Texts without Markdown syntax, for previews and notifications. */

/** Enough for a preview of a few lines, and a limit for the work. */
const PREVIEW_MAX = 600;

/** Returns the start of a text without Markdown syntax. */
export function plainText(text: string): string {
  return (
    text
      .slice(0, PREVIEW_MAX)
      // The fences of code, with the name of its language.
      .replace(/^ {0,3}(?:`{3,}|~{3,})[^\n`]*(?:\n|$)/gm, "")
      .replace(/!?\[([^\]\n]+)\]\([^)\s]*\)/g, "$1")
      .replace(/(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1/g, "$2")
      .replace(/(?<![\p{L}\p{N}*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\p{L}\p{N}*])/gu, "$1")
      .replace(/(`+)([^`]+)\1/g, "$2")
      .replace(/^ {0,3}(?:#{1,6}|>) +/gm, "")
  );
}
