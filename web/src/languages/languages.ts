/** The languages of the page, and which of them applies. English is `texts.ts` itself. */

/** The names are in the languages themselves. */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", fr: "Français" } as const;

export type Language = keyof typeof LANGUAGES;

/** Scripts that are written from right to left. */
const RIGHT_TO_LEFT = new Set(["Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"]);

/** Returns the language of a tag such as `de-AT`; undefined when there are no texts in it. */
export function languageOf(tag: string | null): Language | undefined {
  const language = tag?.split("-", 1)[0]?.toLowerCase() ?? "";
  return Object.hasOwn(LANGUAGES, language) ? (language as Language) : undefined;
}

/** Returns the first of these tags that the page has texts in; English when there is none. */
export function preferredLanguage(tags: readonly string[]): Language {
  return tags.map(languageOf).find((language) => language !== undefined) ?? "en";
}

/** Returns the locale of a language: the reader's own variant of it, or else the reader's region. */
export function localeOf(language: Language, tags: readonly string[]): string {
  const own = tags.find((tag) => languageOf(tag) === language);
  if (own !== undefined) return own;
  const { region } = new Intl.Locale(tags[0] ?? language).maximize();
  return region === undefined ? language : `${language}-${region}`;
}

export function directionOf(language: string): "ltr" | "rtl" {
  return RIGHT_TO_LEFT.has(new Intl.Locale(language).maximize().script ?? "") ? "rtl" : "ltr";
}
