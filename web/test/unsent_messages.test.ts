import type { Conversation } from "@talkwire/client";
import type { OutboxEntry } from "@talkwire/client/parts";
import { expect, it } from "vitest";
import { newestUnsent, withUnsent } from "../src/chat/conversations/unsent_messages";

const conversation = (id: string, second: number): Conversation =>
  ({ id, kind: "group", createdAt: `2026-01-01T00:00:0${second}.000Z`, lastSeq: 0 }) as Conversation;
const entry = (conversationId: string, second: number, more: Partial<OutboxEntry> = {}): OutboxEntry =>
  ({
    conversationId,
    content: `at ${second}`,
    writtenAt: Date.UTC(2026, 0, 1, 0, 0, second),
    problem: null,
    ...more,
  }) as OutboxEntry;
const ordered = [conversation("c", 6), conversation("b", 4), conversation("a", 2)];
const order = (outbox: readonly OutboxEntry[]): string =>
  withUnsent(ordered, outbox)
    .map(({ id }) => id)
    .join("");

it("moves a conversation to where its unsent message was written", () => {
  expect(order([entry("a", 8)])).toBe("acb");
  expect(order([entry("a", 5)])).toBe("cab");
  expect(order([entry("b", 1)])).toBe("cba");
  expect(order([entry("a", 7), entry("b", 8)])).toBe("bac");
  expect(withUnsent(ordered, [])).toBe(ordered);
});

it("leaves a conversation where it is while a reply in a thread waits", () => {
  const reply = entry("a", 8, { threadId: "1" });
  expect(withUnsent(ordered, [reply])).toBe(ordered);
  expect(newestUnsent([reply], "a")).toBeUndefined();
});

it("finds the newest unsent message of a conversation", () => {
  expect(newestUnsent([entry("a", 1), entry("a", 2), entry("b", 3)], "a")?.content).toBe("at 2");
});

it("prefers a message that was refused, also in a thread", () => {
  const refused = entry("a", 1, { threadId: "1", problem: "The thread was deleted." });
  expect(newestUnsent([refused, entry("a", 2), entry("b", 3)], "a")).toBe(refused);
});
