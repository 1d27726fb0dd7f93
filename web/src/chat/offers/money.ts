/** Amounts of money: in the currency's smallest unit, as the server stores them, and as people write them. */

import { locale as readerLocale } from "../../languages/locale";

/** ISO 4217: the currencies whose smallest unit is not a hundredth. */
const DIGITS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ["BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0],
    ["BHD IQD JOD KWD LYD OMR TND", 3],
    ["CLF UYW", 4],
  ].flatMap(([codes, digits]) =>
    String(codes)
      .split(" ")
      .map((code) => [code, Number(digits)]),
  ),
);

/** Returns the number of decimals of a currency. Browsers know other numbers for some, as prices are rounded. */
export function digitsOf(currency: string): number {
  return DIGITS[currency] ?? 2;
}

/** Formats an amount in the reader's language. */
export function formatAmount(amount: number, currency: string, locale = readerLocale()): string {
  const digits = digitsOf(currency);
  const format = new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // As a string, because the largest amounts have more digits than a number can hold.
  return format.format(decimalOf(amount, digits) as unknown as number);
}

/** Returns the amount for an input field: without the currency and without grouping. */
export function amountText(amount: number, currency: string, locale = readerLocale()): string {
  return decimalOf(amount, digitsOf(currency)).replace(".", signsOf(locale).decimal);
}

/**
 * Parses an amount that the reader typed, in the smallest unit; null when it is invalid. Accepts a point or a comma
 * before the decimals, and grouping: the language's, or the other one where the decimals tell both apart.
 */
export function parseAmount(text: string, currency: string, locale = readerLocale()): number | null {
  const digits = digitsOf(currency);
  const [, whole, decimals = ""] = /^(\d+)(?:\.(\d*))?$/.exec(normalizedAmount(text, locale)) ?? [];
  if (whole === undefined || decimals.length > digits) return null;
  const amount = Number(whole + decimals.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) ? amount : null;
}

/**
 * Returns the whole number that somebody may mean who grouped its digits with the decimal sign of the language, and that
 * sign; null where nobody can.
 */
export function groupedByDecimal(text: string, locale = readerLocale()): { sign: string; whole: string } | null {
  const { decimal } = signsOf(locale);
  const typed = text.trim();
  const isGrouped = new RegExp(`^\\d{1,3}(\\${decimal}\\d{3})+$`).test(typed);
  return isGrouped ? { sign: decimal, whole: typed.replaceAll(decimal, "") } : null;
}

/** Removes spaces and grouping, and uses a decimal point. */
function normalizedAmount(text: string, locale = readerLocale()): string {
  const { decimal } = signsOf(locale);
  const other = decimal === "," ? "." : ",";
  const typed = text.replaceAll(/[\s'’]/g, "");
  const isGrouped = new RegExp(`^\\d{1,3}(\\${other}\\d{3})+$`).test(typed);
  const grouping = isGrouped ? other : /^\d{1,3}([.,])\d{3}(?:\1\d{3})*(?!\1)[.,]\d*$/.exec(typed)?.[1];
  return (grouping === undefined ? typed : typed.replaceAll(grouping, "")).replace(/[.,]/, ".");
}

function signsOf(locale = readerLocale()): { decimal: string } {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5);
  const decimal = parts.find(({ type }) => type === "decimal")?.value ?? ".";
  return { decimal: decimal === "," ? "," : "." };
}

function decimalOf(amount: number, digits: number): string {
  const text = String(amount).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
