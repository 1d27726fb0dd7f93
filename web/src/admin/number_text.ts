/** Numbers as the reader's region writes them. */

import { locale } from "../languages/locale";

const whole = new Intl.NumberFormat(locale(), { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 });

export const count = (value: number): string => (Math.abs(value) < 10 ? precise : whole).format(value);

export function milliseconds(value: number): string {
  return `${value < 10 ? precise.format(value) : whole.format(value)} ms`;
}

/** Returns how long something takes or lasts, in its two largest units. */
export function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${Math.floor(seconds)} s`;
}
