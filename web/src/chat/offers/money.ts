/** Amounts of money: in the currency's smallest unit, as the server has them, and as people write them. */

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

/** How many digits an amount has behind its decimal sign. Browsers know other numbers for some, as shops round. */
export function digitsOf(currency: string): number {
  return DIGITS[currency] ?? 2;
}

/** As the reader's language writes it. */
export function formatAmount(amount: number, currency: string, locale?: string): string {
  const digits = digitsOf(currency);
  const format = new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // As a text, and not divided: the largest amounts have more digits than a fraction can hold.
  return format.format(decimalOf(amount, digits) as unknown as number);
}

/** The amount as it stands in a field to be changed: without the currency, and without groups of thousands. */
export function amountText(amount: number, currency: string, locale?: string): string {
  return decimalOf(amount, digitsOf(currency)).replace(".", signsOf(locale).decimal);
}

/**
 * What somebody typed, in the smallest unit; null where it is no amount of this currency. Either sign can stand before the
 * decimals, and the language's own between thousands.
 */
export function parseAmount(text: string, currency: string, locale?: string): number | null {
  const digits = digitsOf(currency);
  const [, whole, decimals = ""] = /^(\d+)(?:\.(\d*))?$/.exec(plainText(text, locale)) ?? [];
  if (whole === undefined || decimals.length > digits) return null;
  const amount = Number(whole + decimals.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) ? amount : null;
}

/** Without spaces and groups, and with a point. */
function plainText(text: string, locale?: string): string {
  const { decimal } = signsOf(locale);
  const other = decimal === "," ? "." : ",";
  const typed = text.replaceAll(/[\s'’]/g, "");
  const grouped = new RegExp(`^\\d{1,3}(\\${other}\\d{3})+(\\${decimal}\\d*)?$`);
  return (grouped.test(typed) ? typed.replaceAll(other, "") : typed).replace(/[.,]/, ".");
}

function signsOf(locale?: string): { decimal: string } {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5);
  const decimal = parts.find(({ type }) => type === "decimal")?.value ?? ".";
  return { decimal: decimal === "," ? "," : "." };
}

function decimalOf(amount: number, digits: number): string {
  const text = String(amount).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
