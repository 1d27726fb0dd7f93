/**
 * Returns a file's size in the reader's language, such as “1.4 MB”. Each unit is 1,024 of the one before it, as in the
 * settings of servers and in what most systems show: a limit of 100 MiB is “100 MB”.
 */

import { locale } from "../../languages/locale";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

const STEP = 1024;

export function readableSize(bytes: number): string {
  let power = 0;
  let value = bytes;
  // 1,023.6 of a unit would be rounded to 1,024.
  for (; Math.round(value) >= STEP && power < UNITS.length - 1; power++) value /= STEP;
  return new Intl.NumberFormat(locale(), {
    style: "unit",
    unit: UNITS[power] ?? "byte",
    unitDisplay: power === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && power > 0 ? 1 : 0,
  }).format(value);
}
