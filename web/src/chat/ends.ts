/** Times at which a choice of the reader ends, in the reader's time zone. */

const MINUTE_MS = 60_000;

export function inMinutes(minutes: number, now = new Date()): Date {
  return new Date(now.getTime() + minutes * MINUTE_MS);
}

/** Returns this hour of tomorrow. */
export function tomorrowAt(hour: number, now = new Date()): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, hour);
}

/** Returns the end of the week, which begins on Monday. */
export function endOfWeek(now = new Date()): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 7 - ((now.getDay() + 6) % 7));
}
