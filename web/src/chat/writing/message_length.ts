/** The server's limit for a message, in bytes. */
const MAX_BYTES = 64 * 1024;
/** Of a character in UTF-16, in UTF-8. */
const BYTES_MAX = 3;

const encoder = new TextEncoder();

/** Returns how many characters of a text are too many for a message. */
export function charactersOver(text: string): number {
  if (text.length * BYTES_MAX <= MAX_BYTES) return 0;
  const { read } = encoder.encodeInto(text, new Uint8Array(MAX_BYTES));
  return [...text.slice(read)].length;
}
