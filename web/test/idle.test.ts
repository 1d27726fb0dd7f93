import { expect, test } from "vitest";
import { statusToSend } from "../src/chat/people/idle";

const MINUTE_MS = 60_000;

test("a user without activity for five minutes is away, and back afterwards", () => {
  expect(statusToSend("online", "online", 5 * MINUTE_MS - 1)).toBe("online");
  expect(statusToSend("online", "online", 5 * MINUTE_MS)).toBe("away");
  expect(statusToSend("away", "online", 0)).toBe("online");
});

test("a chosen status stays", () => {
  for (const idleMs of [0, 60 * MINUTE_MS]) {
    expect(statusToSend("dnd", "online", idleMs)).toBeNull();
    expect(statusToSend("invisible", "online", idleMs)).toBeNull();
    expect(statusToSend("away", "away", idleMs)).toBeNull();
  }
});
