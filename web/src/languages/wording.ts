/** What translations are made with: plural forms, numbers and lists by the rules of a language. */

/** The forms of a word. A language needs those that `Intl.PluralRules` knows for it. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

export type Unit = (typeof UNITS)[number][0];

export interface Wording {
  /** Returns the form for a number, without the number. */
  readonly form: (count: number, forms: Forms) => string;
  /** Returns the number and the form for it. */
  readonly counted: (count: number, forms: Forms) => string;
  readonly listed: (parts: readonly string[]) => string;
  /** Returns a duration, such as “5 minutes”. */
  readonly lasting: (count: number, unit: Unit) => string;
}

export function wordingOf(language: string): Wording {
  const form: Wording["form"] = (count, forms) => forms[new Intl.PluralRules(language).select(count)] ?? forms.other;
  return {
    form,
    counted: (count, forms) => `${new Intl.NumberFormat(language).format(count)} ${form(count, forms)}`,
    listed: (parts) => new Intl.ListFormat(language, { type: "conjunction" }).format(parts),
    lasting: (count, unit) =>
      new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count),
  };
}

/** Returns a duration in the largest unit that divides it. */
export function inLargestUnit(seconds: number): { count: number; unit: Unit } {
  const [unit, size] = UNITS.find(([, each]) => seconds % each === 0) ?? ["second", 1];
  return { count: seconds / size, unit };
}

/** Returns the names to list of many, and how many are left. */
export function shortened(names: readonly string[], count: number): { shown: readonly string[]; more: number } {
  const shown = names.slice(0, NAMED_MAX);
  return { shown, more: count - shown.length };
}

/** At most this many names are listed. */
const NAMED_MAX = 20;
