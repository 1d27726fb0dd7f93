/** The language that the reader has chosen in this browser. */

import { type Language, languageOf } from "./languages";

const STORAGE_KEY = "talkwire.language";

/** Returns what the reader has chosen in this browser; null: the browser's language. */
export function readLanguage(): Language | null {
  return languageOf(localStorage.getItem(STORAGE_KEY)) ?? null;
}

/** Saves the choice, and shows the page again in that language. Drafts and unsent messages are stored. */
export function chooseLanguage(language: Language | null): void {
  if (language === null) localStorage.removeItem(STORAGE_KEY);
  else localStorage.setItem(STORAGE_KEY, language);
  location.reload();
}
