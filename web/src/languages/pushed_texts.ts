/** The texts of notifications in all languages, for the service worker, which has no page. */

import { happened, somethingHappened } from "../texts";
import { happened as happenedDe, somethingHappened as somethingHappenedDe } from "./de";
import { happened as happenedEs, somethingHappened as somethingHappenedEs } from "./es";
import { happened as happenedFr, somethingHappened as somethingHappenedFr } from "./fr";
import { type Language, preferredLanguage } from "./languages";
import type { PushedTexts } from "./translation";

const TEXTS: Readonly<Record<Language, PushedTexts>> = {
  en: { happened, somethingHappened },
  de: { happened: happenedDe, somethingHappened: somethingHappenedDe },
  es: { happened: happenedEs, somethingHappened: somethingHappenedEs },
  fr: { happened: happenedFr, somethingHappened: somethingHappenedFr },
};

/** `tags`: languages, the reader's first. */
export function pushedTexts(tags: readonly string[]): PushedTexts {
  return TEXTS[preferredLanguage(tags)];
}
