/** Names within other texts. */

/** Characters that change the writing direction. Names that were stored earlier may have them. */
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Letters that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Returns a text without characters that change the writing direction, for places outside of the page. */
export const withoutDirection = (text: string): string => text.replace(DIRECTION_MARKS, "");

/** Returns a name that does not change the order of the words around it, as `<bdi>` does for a name of its own. */
export function isolated(name: string): string {
  const plain = withoutDirection(name);
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain;
}
