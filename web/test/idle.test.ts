import { expect, test } from "vitest";
import { toSay } from "../src/chat/people/idle";

const MINUTE_MS = 60_000;

test("whoever touches nothing for five minutes is away, and back after that", () => {
  expect(toSay("online", "online", 5 * MINUTE_MS - 1)).toBe("online");
  expect(toSay("online", "online", 5 * MINUTE_MS)).toBe("away");
  expect(toSay("away", "online", 0)).toBe("online");
});

test("whoever chose a status keeps it", () => {
  for (const idleMs of [0, 60 * MINUTE_MS]) {
    expect(toSay("dnd", "online", idleMs)).toBeNull();
    expect(toSay("invisible", "online", idleMs)).toBeNull();
    expect(toSay("away", "away", idleMs)).toBeNull();
  }
});
