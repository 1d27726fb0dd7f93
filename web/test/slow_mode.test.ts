import type { OutboxEntry } from "@talkwire/client/parts";
import { expect, it } from "vitest";
import { conversation, ME, member } from "../../clients/javascript/client/test/samples";
import { slowModeMs, slowTimes } from "../src/chat/messages/slow_mode";

const SLOW_MS = 30_000;
const unsent = (clientMessageId: string, more: Partial<OutboxEntry> = {}) =>
  ({ clientMessageId, problem: null, writtenAt: 100_000, ...more }) as OutboxEntry;
const timesOf = (entries: readonly OutboxEntry[], last: number) => {
  const times = slowTimes(entries, SLOW_MS, last, 100_000);
  return { entries: Object.fromEntries(times.entries), next: times.next };
};

it("a reader waits after each message, whatever the clock of their browser says", () => {
  expect(timesOf([], 0).next).toBe(SLOW_MS);
  expect(timesOf([], 90_000).next).toBe(120_000);
  expect(timesOf([], 900_000).next).toBe(130_000);
});

it("messages that wait are sent one after the other, from the time that the server has named", () => {
  const refused = unsent("refused", { problem: "No." });
  expect(timesOf([refused, unsent("a", { retryAt: 125_000 }), unsent("b")], 90_000)).toEqual({
    entries: { a: 125_000, b: 155_000 },
    next: 185_000,
  });
  expect(timesOf([unsent("a")], 0).next).toBe(130_000);
});

it("owners and admins do not wait, and neither does a reader whose role is not known yet", () => {
  const me = { id: ME, name: "me", createdAt: "", kind: "person" as const };
  const of = (more: object) => slowModeMs(conversation("c", { kind: "group", slowModeS: 30, ...more }), me);
  const as = (role: "admin" | "member") => of({ members: [member(ME, { role })] });
  expect([as("member"), as("admin"), of({ ownerId: ME }), of({})]).toEqual([SLOW_MS, 0, 0, 0]);
});
