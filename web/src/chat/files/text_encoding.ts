/** The encoding of a text file, which nothing names: by its mark, its bytes, and the languages of the reader. */

/** What spreadsheets and editors write in these languages, where it is not windows-1252. */
const BY_LANGUAGE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "uk"].map((key) => [key, "windows-1251"]),
  ),
  ...Object.fromEntries(["bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"].map((key) => [key, "windows-1250"])),
  ...Object.fromEntries(["ar", "fa", "ur"].map((key) => [key, "windows-1256"])),
  ...Object.fromEntries(["et", "lt", "lv"].map((key) => [key, "windows-1257"])),
  ...{
    el: "windows-1253",
    az: "windows-1254",
    tr: "windows-1254",
    he: "windows-1255",
    vi: "windows-1258",
    th: "windows-874",
  },
  ...{ ja: "shift_jis", ko: "euc-kr", zh: "gb18030" },
};
const WESTERN = "windows-1252";

const isBetween = (byte: number, first: number, last: number): boolean => byte >= first && byte <= last;

/** How two bytes of a frequent character look in each encoding, and the least share of them. The first one that fits wins. */
const IN_PAIRS: Readonly<Record<string, readonly [number, (lead: number, trail: number) => boolean]>> = {
  // Kana.
  shift_jis: [0.2, (lead, trail) => (lead === 0x82 && trail >= 0x9f) || (lead === 0x83 && trail <= 0x96)],
  "euc-jp": [0.2, (lead, trail) => isBetween(lead, 0xa4, 0xa5) && trail >= 0xa1],
  "euc-kr": [0.9, (lead, trail) => (isBetween(lead, 0xb0, 0xc8) || isBetween(lead, 0xa1, 0xa3)) && trail >= 0xa1],
  gb18030: [0.7, (lead, trail) => (isBetween(lead, 0xb0, 0xd7) || isBetween(lead, 0xa1, 0xa9)) && trail >= 0xa1],
  big5: [0.7, (lead, trail) => isBetween(lead, 0xa1, 0xc6) && trail >= 0x40],
};

/** A file is in UTF-8 if at most one in so many of its characters beside ASCII is damaged. */
const DAMAGED_AT_MOST = 10;

/** So many pairs must have been looked at before a file is not in an encoding of the reader. */
const PAIRS_MIN = 4;

/**
 * Returns the text of a file's bytes. `isWhole`: whether the file ends with them; otherwise the last character may be cut.
 * `languages`: those of the reader, the most important first.
 */
export function decodedText(bytes: Uint8Array, isWhole: boolean, languages: readonly string[]): string {
  const marked = markOf(bytes);
  if (marked !== null) return decode(bytes, marked, isWhole) ?? "";
  const unicode = decode(bytes, "utf-8", isWhole) ?? "";
  if (count(unicode, /\ufffd/g) * DAMAGED_AT_MOST <= count(unicode, /[^\p{ASCII}\ufffd]/gu)) return unicode;
  const own = encodingOf(languages);
  const isSure = own !== WESTERN && !(own in IN_PAIRS);
  const likely = isSure ? [] : [own, ...Object.keys(IN_PAIRS)].filter((each) => isLikely(bytes, each, own));
  for (const encoding of likely) {
    const text = decode(bytes, encoding, isWhole, { fatal: true });
    if (text !== null) return text;
  }
  return decode(bytes, own in IN_PAIRS ? WESTERN : own, isWhole) ?? "";
}

const count = (text: string, sought: RegExp): number => text.match(sought)?.length ?? 0;

function markOf([first, second]: Uint8Array): string | null {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : null;
}

/** English says nothing: many readers have it first, and their own language after it. */
function encodingOf(languages: readonly string[]): string {
  const tag = languages.find((each) => !/^en\b/i.test(each)) ?? "";
  if (/^zh-(?:hant|tw|hk|mo)\b/i.test(tag)) return "big5";
  return BY_LANGUAGE[tag.split("-", 1)[0]?.toLowerCase() ?? ""] ?? WESTERN;
}

function isLikely(bytes: Uint8Array, encoding: string, own: string): boolean {
  const [least, isFrequent] = IN_PAIRS[encoding] ?? [2, () => false];
  let pairs = 0;
  let frequent = 0;
  for (let at = 0; at + 1 < bytes.length; at++) {
    const lead = bytes[at] ?? 0;
    if (lead <= 0x80) continue;
    pairs++;
    if (isFrequent(lead, bytes[++at] ?? 0)) frequent++;
  }
  return pairs >= (encoding === own ? 1 : PAIRS_MIN) && frequent >= least * pairs;
}

/** Returns the text without its mark; null if it has bytes that are no text in this encoding, and these are `fatal`. */
function decode(
  bytes: Uint8Array,
  encoding: string,
  isWhole: boolean,
  options: TextDecoderOptions = {},
): string | null {
  try {
    return new TextDecoder(encoding, options).decode(bytes, { stream: !isWhole });
  } catch {
    return null;
  }
}
