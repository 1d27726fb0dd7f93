/** How long somebody has been waiting, in words. */

import { locale } from "../../languages/locale";
import { STEPS } from "../../time_passed";
import { deskTexts } from "./texts";

/** Returns how long ago a time was, such as “5 min” or, where it is `long`, “5 minutes”. */
export function waited(since: string, unitDisplay: "short" | "long", now = Date.now()): string {
  const passedMs = now - Date.parse(since);
  const [unit, unitMs] = STEPS.findLast(([, ms]) => passedMs >= ms) ?? STEPS[0];
  const count = Math.floor(passedMs / unitMs);
  const words = new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay });
  if (count >= 1) return words.format(count);
  return unitDisplay === "long" ? deskTexts.lessThanAMinute : `< ${words.format(1)}`;
}
