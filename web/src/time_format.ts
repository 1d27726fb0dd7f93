/** Times in the reader's time zone and language. */

import { locale } from "./languages/locale";

const clock = new Intl.DateTimeFormat(locale(), { timeStyle: "short" });
const day = new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat(locale(), { day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short" });
const weekday = new Intl.DateTimeFormat(locale(), { weekday: "long" });
const full = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });

const DAY_MS = 86_400_000;

/** Returns how many midnights are between two times. */
export function daysAgo(at: Date, now: Date): number {
  const midnight = (time: Date) => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
  return Math.round((midnight(now) - midnight(at)) / DAY_MS);
}

export function timeOfDay(iso: string): string {
  return clock.format(new Date(iso));
}

/** Returns “today”, “yesterday” or the day. */
export function dayOf(iso: string, now = new Date()): string {
  const at = new Date(iso);
  const days = daysAgo(at, now);
  if (days < 2) return relative.format(-days, "day");
  return (days < 200 ? day : dayAndYear).format(at);
}

/** Returns the time of today, “yesterday”, a weekday of the last week, or another day. */
export function shortTime(iso: string, now = new Date()): string {
  const at = new Date(iso);
  const days = daysAgo(at, now);
  if (days === 0) return clock.format(at);
  if (days === 1) return relative.format(-1, "day");
  return (days > 1 && days < 7 ? weekday : short).format(at);
}

/** Returns a time of today, or the day and the time. */
export function endTime(iso: string, now = new Date()): string {
  const at = new Date(iso);
  const days = -daysAgo(at, now);
  if (days === 0) return clock.format(at);
  return `${days === 1 ? relative.format(1, "day") : short.format(at)}, ${clock.format(at)}`;
}

export function dateOf(iso: string): string {
  return dayAndYear.format(new Date(iso));
}

/** `0:07`, `12:34`, `1:02:03`. */
export function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  if (hours > 0) parts.unshift(hours);
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** Returns the day and the time, to the minute. */
export function fullTime(iso: string): string {
  return full.format(new Date(iso));
}
