/** What the desk says, in the reader's language. The page's other texts are loaded by everybody, these by teams only. */

import type { Language } from "../../../languages/languages";
import { german } from "./de";
import { type DeskTexts, english } from "./en";
import { spanish } from "./es";
import { french } from "./fr";

export const DESK_TEXTS: Readonly<Record<Language, DeskTexts>> = {
  en: english,
  de: german,
  es: spanish,
  fr: french,
};

export const deskTexts: DeskTexts = DESK_TEXTS[document.documentElement.lang as Language] ?? english;
