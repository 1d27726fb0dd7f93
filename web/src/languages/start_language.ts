/** Puts the reader's language in the place of English, before the page is loaded. */

import { happened, texts } from "../texts";
import { readLanguage } from "./language_choice";
import { directionOf, type Language, languageOf, localeOf, preferredLanguage } from "./languages";
import { setLocale } from "./locale";
import type { Translation } from "./translation";

/** Each is a file of its own, which only its readers load. */
const TRANSLATIONS: Readonly<Record<Exclude<Language, "en">, () => Promise<Translation>>> = {
  de: () => import("./de"),
  es: () => import("./es"),
  fr: () => import("./fr"),
};

/**
 * Makes the page's texts those of the reader's language. Other modules may use texts as soon as they are imported, so
 * this comes before them.
 */
export async function startLanguage(): Promise<void> {
  const given = languageOf(new URLSearchParams(location.search).get("language"));
  const language = given ?? readLanguage() ?? preferredLanguage(navigator.languages);
  // Without the file, which the server may not deliver just now, English is better than nothing.
  const shown = (await translate(language).catch(() => false)) ? language : "en";
  setLocale(localeOf(shown, navigator.languages));
  document.documentElement.lang = shown;
  document.documentElement.dir = directionOf(shown);
}

async function translate(language: Language): Promise<boolean> {
  if (language === "en") return true;
  const translation = await TRANSLATIONS[language]();
  replace(texts, translation.texts);
  replace(happened, translation.happened);
  return true;
}

/** Replaces texts where they are, so that objects of texts which modules hold change too. */
export function replace(target: object, texts: object): void {
  for (const [name, text] of Object.entries(texts)) {
    const known: unknown = (target as Record<string, unknown>)[name];
    if (typeof text === "object" && typeof known === "object" && known !== null) replace(known, text);
    else Object.assign(target, { [name]: text });
  }
}
