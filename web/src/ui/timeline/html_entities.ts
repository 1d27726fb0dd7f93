/**
 * The named HTML entities that people write in texts. This replaces a module of markdown-to-jsx that has the browser
 * parse HTML, which the page's policy forbids: such a message would break the page.
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

/** Returns undefined for a number, and for an unknown name, which stays as it is written. */
export function decodeEntity(name: string): string | undefined {
  return CHARACTERS.get(name);
}
