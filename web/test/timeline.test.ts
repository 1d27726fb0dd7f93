import { describe, expect, it } from "vitest";
import {
  EMPTY,
  hasMessage,
  keyOf,
  merged,
  type Row,
  rowsOf,
  tombstone,
  trimmed,
  withChanged,
  withNew,
  withNewer,
  withOlder,
} from "../src/chat/messages/timeline";
import type { Message } from "../src/server/payloads";
import { ME, message, messages } from "./samples";

const seqs = (timeline: { messages: readonly { seq: number }[] }) => timeline.messages.map(({ seq }) => seq);
const loaded = (first: number, last: number) => ({ messages: messages(first, last), atStart: false, atEnd: true });

describe("pages", () => {
  it("are added before and after the loaded messages", () => {
    const older = withOlder({ ...loaded(5, 6), atEnd: false }, messages(3, 4), true);
    const newer = withNewer(older, messages(7, 8), false);
    expect(seqs(newer)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(newer).toMatchObject({ atStart: false, atEnd: true });
    expect(withOlder(newer, messages(1, 2), false).atStart).toBe(true);
  });

  it("that overlap add nothing twice", () => {
    expect(seqs(withOlder(loaded(3, 5), messages(1, 4), false))).toEqual([1, 2, 3, 4, 5]);
    expect(seqs(withNewer(loaded(3, 5), messages(4, 7), false))).toEqual([3, 4, 5, 6, 7]);
  });
});

describe("a page from anywhere", () => {
  const here = { messages: messages(10, 20), atStart: false, atEnd: true };
  const page = (first: number, last: number, ends = {}) => ({
    messages: messages(first, last),
    atStart: false,
    atEnd: false,
    ...ends,
  });

  it("replaces messages that it does not touch", () => {
    expect(seqs(merged(here, page(1, 8)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(merged(here, page(1, 8)).atEnd).toBe(false);
    expect(merged(undefined, page(1, 8))).toEqual(page(1, 8));
  });

  it("joins messages that it touches or covers, with newer versions of them", () => {
    const before = merged(here, page(5, 9, { atStart: true }));
    expect(seqs(before)).toHaveLength(16);
    expect(before).toMatchObject({ atStart: true, atEnd: true });
    const within = merged(here, { ...page(12, 13), messages: [message(12, { content: "edited" }), message(13)] });
    expect(seqs(within)).toEqual(seqs(here));
    expect(within.messages[2]?.content).toBe("edited");
    expect(within).toMatchObject({ atStart: false, atEnd: true });
  });
});

describe("messages far from the reader", () => {
  it("are dropped, and can be loaded again", () => {
    const long = { messages: messages(1, 600), atStart: true, atEnd: true };
    expect(trimmed(long, "newest")).toMatchObject({ atStart: true, atEnd: false });
    expect(trimmed(long, "newest").messages.at(-1)?.seq).toBe(400);
    expect(trimmed(long, "oldest")).toMatchObject({ atStart: false, atEnd: true });
    expect(trimmed(long, "oldest").messages[0]?.seq).toBe(201);
  });

  it("stay when there are few", () => {
    const short = loaded(1, 400);
    expect(trimmed(short, "oldest")).toBe(short);
  });
});

describe("a new message", () => {
  it("is the last one", () => {
    expect(seqs(withNew(loaded(1, 2), message(3)))).toEqual([1, 2, 3]);
    expect(seqs(withNew(EMPTY, message(9)))).toEqual([9]);
  });

  it("that is repeated or late changes nothing", () => {
    const timeline = loaded(1, 3);
    expect(withNew(timeline, message(3))).toBe(timeline);
    expect(withNew(timeline, message(2))).toBe(timeline);
  });

  it("after a gap waits until the gap is loaded", () => {
    const timeline = withNew(loaded(1, 2), message(5));
    expect(seqs(timeline)).toEqual([1, 2]);
    expect(timeline.atEnd).toBe(false);
    expect(seqs(withNew(timeline, message(6)))).toEqual([1, 2]);
    expect(withNewer(timeline, messages(3, 6), false)).toMatchObject({ atEnd: true });
  });
});

describe("a change", () => {
  it("concerns one message and leaves the others as they are", () => {
    const before = loaded(1, 3);
    const after = withChanged(before, "m2", (it) => ({ ...it, content: "edited" }));
    expect(after.messages[1]?.content).toBe("edited");
    expect(after.messages[0]).toBe(before.messages[0]);
    expect(withChanged(before, "elsewhere", (it) => it)).toBe(before);
  });

  it("removes everything that a deleted message contained", () => {
    const gone = tombstone(message(1, { reactions: [], replyCount: 2, threadId: "m0" }), "2026-01-06T00:00:00.000Z");
    expect(gone).toMatchObject({ id: "m1", seq: 1, threadId: "m0", deletedAt: "2026-01-06T00:00:00.000Z" });
    expect(gone).not.toHaveProperty("content");
    expect(gone).not.toHaveProperty("reactions");
  });
});

describe("rows", () => {
  const whole = (said: Message[]) => ({ messages: said, atStart: true, atEnd: true });
  const shown = (rows: Row[]) =>
    rows.map(
      ({ message: { seq }, startsDay, startsUnread, continued }) =>
        `${startsDay ? "day " : ""}${startsUnread ? "unread " : ""}${seq}${continued ? "+" : ""}`,
    );

  it("group messages of one sender within five minutes", () => {
    const said = [message(1), message(2), message(3, { senderId: ME }), message(4), message(40)];
    expect(shown(rowsOf(whole(said), null, ME))).toEqual(["day 1", "2+", "3", "4", "40"]);
  });

  it("contain consecutive replies in a thread, and nothing else", () => {
    const reply = (seq: number, threadId: string) => message(seq, { threadId });
    const said = [
      message(1),
      reply(2, "m1"),
      reply(3, "m1"),
      message(4),
      reply(5, "m1"),
      reply(6, "m4"),
      reply(7, "m4"),
    ];
    const rows = rowsOf(whole(said), null, ME);
    expect(rows.map(({ replies }) => replies?.map(({ seq }) => seq))).toEqual([
      undefined,
      [2, 3],
      undefined,
      [5],
      [6, 7],
    ]);
    expect(shown(rows)).toEqual(["day 1", "3", "4", "5", "7"]);
    expect(rows.map(keyOf)).toEqual(["m1", "m2", "m4", "m5", "m6"]);
    expect(rows.findIndex((row) => hasMessage(row, "m6"))).toBe(4);
    const grown = rowsOf(whole([...said, reply(8, "m4")]), null, ME);
    expect(grown.map(keyOf)).toEqual(rows.map(keyOf));
  });

  it("start with the first unread message among a thread's replies", () => {
    const said = [message(1), ...[2, 3, 4].map((seq) => message(seq, { threadId: "m1" }))];
    expect(shown(rowsOf(whole(said), 3, ME))).toEqual(["day 1", "3", "unread 4"]);
  });

  it("start each day, and do not continue the day before", () => {
    const midnight = new Date(2026, 0, 6).getTime();
    const [late = "", early = ""] = [-60_000, 60_000].map((ms) => new Date(midnight + ms).toISOString());
    const said = [message(1, { createdAt: late }), message(2, { createdAt: early })];
    expect(shown(rowsOf(whole(said), null, ME))).toEqual(["day 1", "day 2"]);
  });

  it("mark the first unread message of another user", () => {
    const said = [message(1), message(2, { senderId: ME }), message(3), message(4)];
    expect(shown(rowsOf(whole(said), 1, ME))).toEqual(["day 1", "2", "unread 3", "4+"]);
    expect(shown(rowsOf(whole(said), 4, ME))).toEqual(["day 1", "2", "3", "4+"]);
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
