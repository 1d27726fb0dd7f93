import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Core } from "../src/core.ts";
import { ReadReporter } from "../src/messages/read_reporter.ts";
import { RequestError, UNREACHABLE } from "../src/server/request_error.ts";
import { conversation, ME, message, messages } from "./samples.ts";

const open = (lastSeq: number, unreadCount: number) => {
  const now = {
    watched: true,
    me: { id: ME, name: "me", createdAt: "", kind: "person" },
    conversations: { c: conversation("c", { lastSeq, unreadCount, readSeq: lastSeq - unreadCount }) },
    timelines: { c: { messages: messages(1, lastSeq), atStart: true, atEnd: true } },
  };
  const call = vi.fn(async (_: string, { messageId }: { messageId: string }) => ({
    seq: Number(messageId.slice(1)),
    unreadCount: 0,
    mentionCount: 0,
  }));
  const core = {
    now,
    call,
    state: { setState: (change: object) => Object.assign(now, change) },
    isWatched: () => now.watched,
    changeConversation: (id: "c", change: (before: unknown) => never) => {
      now.conversations[id] = change(now.conversations[id]);
    },
  };
  return { now, call, reading: new ReadReporter(core as unknown as Core) };
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("what is on the screen is reported as read", async () => {
  const { now, call, reading } = open(3, 2);
  void reading.markRead("c");
  await vi.runAllTimersAsync();
  expect(call).toHaveBeenCalledExactlyOnceWith("message:read", { conversationId: "c", messageId: "m3" });
  expect(now.conversations.c).toMatchObject({ readSeq: 3, unreadCount: 0 });
});

it("what arrives within a moment is reported together", async () => {
  const { now, call, reading } = open(1, 1);
  void reading.markRead("c");
  for (const last of [2, 3, 4]) {
    now.timelines.c = { ...now.timelines.c, messages: messages(1, last) };
    void reading.markRead("c");
  }
  await vi.runAllTimersAsync();
  expect(call.mock.calls.map(([, { messageId }]) => messageId)).toEqual(["m1", "m4"]);
});

it("the reader's own messages are not reported, and nothing is reported twice", async () => {
  const { now, call, reading } = open(2, 0);
  void reading.markRead("c");
  now.timelines.c = { ...now.timelines.c, messages: [...messages(1, 2), message(3, { senderId: ME })] };
  void reading.markRead("c");
  await vi.runAllTimersAsync();
  expect(call).not.toHaveBeenCalled();
});

it("what was on the screen is reported after the reader has opened something else", async () => {
  const { now, call, reading } = open(1, 1);
  void reading.markRead("c");
  now.timelines.c = { ...now.timelines.c, messages: messages(1, 3) };
  void reading.markRead("c");
  now.watched = false;
  await vi.runAllTimersAsync();
  expect(call.mock.calls.map(([, { messageId }]) => messageId)).toEqual(["m1", "m3"]);
  expect(now.conversations.c).toMatchObject({ readSeq: 3, unreadCount: 0 });
});

it("a message that arrives before the answer to a report is counted", async () => {
  const { now, call, reading } = open(3, 2);
  now.watched = false;
  call.mockImplementationOnce(async () => {
    const { c } = now.conversations;
    now.conversations.c = { ...c, lastSeq: 4, unreadCount: (c.unreadCount ?? 0) + 1 };
    return { seq: 3, unreadCount: 0, mentionCount: 0 };
  });
  await Promise.all([reading.markRead("c"), vi.runAllTimersAsync()]);
  expect(now.conversations.c).toMatchObject({ readSeq: 3, unreadCount: 1 });
});

it("after a part of the messages was read, the server says how many are left", async () => {
  const { now, call, reading } = open(9, 8);
  now.watched = false;
  now.timelines.c = { messages: messages(1, 4), atStart: true, atEnd: false };
  call.mockResolvedValueOnce({ seq: 4, unreadCount: 5, mentionCount: 1 });
  await Promise.all([reading.markRead("c"), vi.runAllTimersAsync()]);
  expect(now.conversations.c).toMatchObject({ readSeq: 4, unreadCount: 5, mentionCount: 1 });
});

it("what could not be reported is reported when the connection is back, except what was refused", async () => {
  const { now, call, reading } = open(3, 2);
  now.watched = false;
  const refuse = (code: string) => call.mockRejectedValueOnce(new RequestError({ code, message: "no" }));
  refuse(UNREACHABLE);
  await expect(reading.markRead("c")).rejects.toThrow();
  reading.connected();
  await vi.runAllTimersAsync();
  expect(now.conversations.c).toMatchObject({ readSeq: 3, unreadCount: 0 });

  now.timelines.c = { ...now.timelines.c, messages: messages(1, 4) };
  refuse("forbidden");
  await expect(reading.markRead("c")).rejects.toThrow();
  reading.connected();
  await vi.runAllTimersAsync();
  expect(call).toHaveBeenCalledTimes(3);
});

it("what is marked as unread is so at once", async () => {
  const { now, call, reading } = open(3, 0);
  call.mockResolvedValueOnce({ seq: 1, unreadCount: 2, mentionCount: 1 });
  expect(await reading.markUnread("c", "m2")).toBe(1);
  expect(call).toHaveBeenCalledExactlyOnceWith("conversation:mark-unread", { conversationId: "c", messageId: "m2" });
  expect(now.conversations.c).toMatchObject({ readSeq: 1, unreadCount: 2, mentionCount: 1 });
});

it("a refusal leaves the conversation as it was", async () => {
  const { now, call, reading } = open(3, 0);
  call.mockRejectedValueOnce(new RequestError({ code: "forbidden", message: "No." }));
  await expect(reading.markUnread("c")).rejects.toThrow("No.");
  expect(now.conversations.c).toMatchObject({ readSeq: 3, unreadCount: 0 });
});

it("what was on the screen before is not reported after it was marked as unread", async () => {
  const { call, reading } = open(3, 2);
  call.mockRejectedValueOnce(new RequestError({ code: UNREACHABLE, message: "away" }));
  await reading.markRead("c").catch(() => undefined);
  call.mockResolvedValueOnce({ seq: 1, unreadCount: 2, mentionCount: 0 });
  await reading.markUnread("c", "m2");
  call.mockClear();
  reading.connected();
  await vi.runAllTimersAsync();
  expect(call).not.toHaveBeenCalled();
});
