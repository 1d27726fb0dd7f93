import { expect, it } from "vitest";
import { fromNow } from "../src/time_format";

const NOW = new Date(2026, 2, 11, 3, 45);
const at = (day: number, hour: number, minute = 0) => fromNow(new Date(2026, 2, day, hour, minute).toISOString(), NOW);

it("counts days by the calendar, and what is shorter by the clock", () => {
  expect(at(11, 3, 45)).toBe("now");
  expect(at(11, 3, 40)).toBe("5 minutes ago");
  expect(at(10, 16)).toBe("11 hours ago");
  expect(at(10, 3)).toBe("yesterday");
  expect(at(9, 16)).toBe("2 days ago");
  expect(at(1, 12)).toBe("10 days ago");
});
