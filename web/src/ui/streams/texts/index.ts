/**
 * What parts of messages say, in the reader's language. They are loaded with the first message that has parts, or the
 * first agent that works on one.
 */

import type { Language } from "../../../languages/languages";
import { german } from "./de";
import { english, type StreamTexts } from "./en";
import { spanish } from "./es";
import { french } from "./fr";

export const STREAM_TEXTS: Readonly<Record<Language, StreamTexts>> = {
  en: english,
  de: german,
  es: spanish,
  fr: french,
};

export const streamTexts: StreamTexts = STREAM_TEXTS[document.documentElement.lang as Language] ?? english;
