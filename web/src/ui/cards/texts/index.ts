/** What cards say, in the reader's language. They are loaded with the first message that has a card. */

import type { Language } from "../../../languages/languages";
import { german } from "./de";
import { type CardTexts, english } from "./en";
import { spanish } from "./es";
import { french } from "./fr";

export const CARD_TEXTS: Readonly<Record<Language, CardTexts>> = {
  en: english,
  de: german,
  es: spanish,
  fr: french,
};

export const cardTexts: CardTexts = CARD_TEXTS[document.documentElement.lang as Language] ?? english;
