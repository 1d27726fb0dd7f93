/**
 * The named characters of HTML that people write in texts. It stands in the place of markdown-to-jsx's own, which asks the
 * browser to make HTML of each name: the page's policy forbids that, and a message with one would end the page.
 */

const CHARACTERS: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["nbsp", "\u00a0"],
  ["copy", "©"],
  ["reg", "®"],
  ["trade", "™"],
  ["hellip", "…"],
  ["ndash", "–"],
  ["mdash", "—"],
  ["lsquo", "‘"],
  ["rsquo", "’"],
  ["ldquo", "“"],
  ["rdquo", "”"],
  ["laquo", "«"],
  ["raquo", "»"],
  ["bull", "•"],
  ["middot", "·"],
  ["times", "×"],
  ["deg", "°"],
  ["euro", "€"],
  ["larr", "←"],
  ["rarr", "→"],
]);

/** Undefined for a number, and for a name that stays as it was written. */
export function decodeEntity(name: string): string | undefined {
  return CHARACTERS.get(name);
}
