/** How long ago a time was, in the reader's language. */

import { locale } from "./languages/locale";
import { dateOf, daysAgo } from "./time_format";

const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });

const DAY_MS = 86_400_000;

/** Units of time, the smallest first. */
export const STEPS = [
  ["minute", 60_000],
  ["hour", 3_600_000],
  ["day", DAY_MS],
] as const;

/** Returns how long ago a time was, such as “5 minutes ago” or “yesterday”; after two weeks, its date. */
export function fromNow(iso: string, now = new Date()): string {
  const at = new Date(iso);
  const pastMs = now.getTime() - at.getTime();
  if (pastMs >= 14 * DAY_MS) return dateOf(iso);
  const [unit, ms] = STEPS.findLast(([, each]) => pastMs >= each) ?? ["second", Number.POSITIVE_INFINITY];
  const count = unit === "day" ? daysAgo(at, now) : Math.floor(Math.max(0, pastMs) / ms);
  return relative.format(-count, unit);
}
