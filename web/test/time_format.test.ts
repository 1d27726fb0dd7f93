import { expect, it } from "vitest";
import { fullTime, shortTime } from "../src/time_format";
import { fromNow } from "../src/time_passed";

const NOW = new Date(2026, 2, 11, 3, 45);
const NOON = new Date(2026, 2, 11, 12);
const at = (day: number, hour: number, minute = 0) => fromNow(new Date(2026, 2, day, hour, minute).toISOString(), NOW);

it("counts days by the calendar, and what is shorter by the clock", () => {
  expect(at(11, 3, 45)).toBe("now");
  expect(at(11, 3, 40)).toBe("5 minutes ago");
  expect(at(10, 16)).toBe("11 hours ago");
  expect(at(10, 3)).toBe("yesterday");
  expect(at(9, 16)).toBe("2 days ago");
  expect(at(1, 12)).toBe("10 days ago");
});

it("short times are those of today, yesterday, a weekday of the last week, and otherwise a day", () => {
  const shortAt = (day: number, hour: number, now = NOON) =>
    shortTime(new Date(2026, 2, day, hour).toISOString(), now).replace(/\s/, " ");
  expect(shortAt(11, 9)).toBe("9:00 AM");
  expect(shortAt(10, 9)).toBe("yesterday");
  // In the early morning too, when the time of yesterday evening would look like one to come.
  expect(shortAt(10, 18, NOW)).toBe("yesterday");
  expect(shortAt(11, 0, NOW)).toBe("12:00 AM");
  expect(shortAt(9, 9)).toBe("Monday");
  expect(shortAt(5, 9)).toBe("Thursday");
  expect(shortAt(4, 9)).toBe("Mar 4");
  expect(shortAt(13, 9)).toBe("Mar 13");
});

it("full times have no seconds", () => {
  expect(fullTime(new Date(2026, 2, 11, 9, 5, 7).toISOString()).replaceAll(/\s/g, " ")).toBe("Mar 11, 2026, 9:05 AM");
});
