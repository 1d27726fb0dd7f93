import type { Message, Notice } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { ME, message, messages } from "../../clients/javascript/client/test/samples";
import { belowMessage } from "../src/chat/messages/extras";
import { type Row, rowsOf, rowsWithReplies, withArrived } from "../src/chat/messages/rows";

const loaded = (first: number, last: number) => ({ messages: messages(first, last), atStart: false, atEnd: true });

describe("rows", () => {
  const whole = (sent: Message[]) => ({ messages: sent, atStart: true, atEnd: true });
  const shown = (rows: Row[]) =>
    rows.map(
      ({ message: { seq }, startsDay, startsUnread, continued }) =>
        `${startsDay ? "day " : ""}${startsUnread ? "unread " : ""}${seq}${continued ? "+" : ""}`,
    );

  it("group no message of the system with others of its sender", () => {
    const sent = [message(1), message(2, { type: "system" }), message(3), message(4)];
    expect(shown(rowsOf(whole(sent), null, ME))).toEqual(["day 1", "2", "3", "4+"]);
  });

  it("name an agent again where it writes in another name", () => {
    const generated = { by: "ann" };
    const sent = [
      message(1, { senderId: "ann", generated }),
      message(2, { senderId: "ann", generated }),
      message(3, { senderId: "ann", generated, onBehalfOf: "bob" }),
      message(4, { senderId: "ann", generated, onBehalfOf: "bob" }),
      message(5, { senderId: "ann" }),
      message(6, { senderId: "ann", generated: { by: "cat" } }),
    ];
    expect(shown(rowsOf(whole(sent), null, ME))).toEqual(["day 1", "2+", "3", "4+", "5", "6+"]);
  });

  it("group messages of one sender within five minutes", () => {
    const sent = [message(1), message(2), message(3, { senderId: ME }), message(4), message(40)];
    expect(shown(rowsOf(whole(sent), null, ME))).toEqual(["day 1", "2+", "3", "4", "40"]);
  });

  it("know the first message of the conversation, unless earlier ones are not loaded or were removed", () => {
    const first = (rows: Row[]) => rows.map(({ startsConversation }) => startsConversation);
    expect(first(rowsOf(whole([message(1), message(2)]), null, ME))).toEqual([true, false]);
    expect(first(rowsOf(whole([message(2), message(3)]), null, ME))).toEqual([false, false]);
  });

  it("leave out replies in threads", () => {
    const reply = (seq: number, threadId: string) => message(seq, { threadId });
    const sent = [message(1), reply(2, "m1"), reply(3, "m1"), message(4), reply(5, "m4"), message(6)];
    expect(shown(rowsOf(whole(sent), null, ME))).toEqual(["day 1", "4+", "6+"]);
    expect(rowsOf(whole(sent.slice(1, 3)), null, ME)).toEqual([]);
  });

  it("do not mark a thread's replies as the first unread message", () => {
    const sent = [message(1), message(2, { threadId: "m1" }), message(3)];
    expect(shown(rowsOf(whole(sent), 1, ME))).toEqual(["day 1", "unread 3"]);
    expect(shown(rowsOf(whole(sent.slice(0, 2)), 1, ME))).toEqual(["day 1"]);
  });

  it("show unread replies once for each thread, below what was sent before the newest", () => {
    const rows = rowsOf(whole([message(1), message(2), message(5)]), null, ME);
    const replies = [message(3, { threadId: "m1" }), message(4, { threadId: "m2" }), message(6, { threadId: "m1" })];
    const found = rowsWithReplies(rows, replies).map(({ repliesAfter = [] }) =>
      repliesAfter.map(({ rootId, count, first, newest }) => [rootId, count, first.seq, newest.seq]),
    );
    expect(found).toEqual([[], [["m2", 1, 4, 4]], [["m1", 2, 3, 6]]]);
  });

  it("count unread replies that arrive later once, in threads that have unread ones", () => {
    const [first, second, other] = [
      message(3, { threadId: "m1" }),
      message(4, { threadId: "m1" }),
      message(5, { threadId: "m2" }),
    ];
    expect([first, second, second, other].reduce(withArrived, [first])).toEqual([first, second]);
  });

  it("have the line of a thread below the notices that are older than its newest reply", () => {
    const notice = (id: string) => ({ id, createdAt: "2026-01-05T10:00:00.000Z" }) as Notice;
    const row = rowsOf(whole([message(1)]), null, ME)[0] as Row;
    const newest = message(4, { id: "4", threadId: "m1" });
    const repliesAfter = [{ rootId: "m1", first: newest, newest, count: 1 }];
    const below = belowMessage({ ...row, extrasAfter: [notice("2"), notice("3"), notice("5")], repliesAfter });
    const found = below.map(({ extras, replies }) => [extras.map(({ id }) => id), replies?.rootId]);
    expect(found).toEqual([
      [["2", "3"], "m1"],
      [["5"], undefined],
    ]);
  });

  it("start each day, and do not continue the day before", () => {
    const midnight = new Date(2026, 0, 6).getTime();
    const [late = "", early = ""] = [-60_000, 60_000].map((ms) => new Date(midnight + ms).toISOString());
    const sent = [message(1, { createdAt: late }), message(2, { createdAt: early })];
    expect(shown(rowsOf(whole(sent), null, ME))).toEqual(["day 1", "day 2"]);
  });

  it("mark the first unread message of another user", () => {
    const sent = [message(1), message(2, { senderId: ME }), message(3), message(4)];
    expect(shown(rowsOf(whole(sent), 1, ME))).toEqual(["day 1", "2", "unread 3", "4+"]);
    expect(shown(rowsOf(whole(sent), 4, ME))).toEqual(["day 1", "2", "3", "4+"]);
  });

  it("mark nothing where the last read message is not loaded", () => {
    const unread = (first: number) => shown(rowsOf(loaded(first, 6), 3, ME)).filter((row) => row.includes("unread"));
    expect(unread(5)).toEqual([]);
    expect(unread(4)).toEqual(["day unread 4"]);
    expect(unread(2)).toEqual(["unread 4"]);
  });

  it("are one for each message", () => {
    expect(rowsOf(loaded(1, 60), 30, ME)).toHaveLength(60);
  });
});
