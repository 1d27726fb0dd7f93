/** The locale of dates, numbers, lists and names: the language of the page's texts, and the reader's region. */

/** Undefined before a language is chosen: the browser's. */
let current: string | undefined;

export function locale(): string | undefined {
  return current;
}

export function setLocale(chosen: string): void {
  current = chosen;
}
