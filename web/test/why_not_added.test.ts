import type { Person } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { expect, test } from "vitest";
import { whyNotAdded } from "../src/ui/people/why_not_added";

const chosen = ["ann", "ben", "cy"].map((id) => ({ id, name: id.toUpperCase() })) as unknown as Person[];
const refused = (code: string, details?: unknown) =>
  new RequestError({ code, message: "As the server says.", details });

test("those who cannot be added are named", () => {
  expect(whyNotAdded(refused("blocked", { userIds: ["ben"] }), chosen)).toMatch(/^BEN cannot be added/);
  expect(whyNotAdded(refused("banned", { userIds: ["ann", "cy"] }), chosen)).toMatch(/^ANN and CY are banned/);
});

test("another refusal keeps its text", () => {
  expect(whyNotAdded(refused("forbidden"), chosen)).toBe("As the server says.");
});
