/** Returns a text without the blank lines before it and the space after it. Its first line stays indented. */
export function trimmed(text: string): string {
  return text.trimEnd().replace(/^(?:[^\S\n]*\n)+/, "");
}
