import { describe, expect, it } from "vitest";
import {
  EMPTY,
  excerptOf,
  merged,
  type Timeline,
  tombstone,
  trimmed,
  withChanged,
  withExcerpt,
  withNew,
  withNewer,
  withOlder,
  withoutReply,
} from "../src/messages/timeline.ts";
import { message, messages } from "./samples.ts";

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
    expect(withNew(EMPTY, message(1))).toEqual({ messages: [message(1)], atStart: true, atEnd: true });
  });

  it("that overtakes the first one leaves room for it", () => {
    const second = withNew(EMPTY, message(2));
    expect(second).toMatchObject({ atStart: false, atEnd: true });
    expect(seqs(withOlder(second, [message(1)], false))).toEqual([1, 2]);
    expect(withNew({ ...EMPTY, upTo: 8 }, message(9))).toMatchObject({ atStart: true });
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

describe("a range without replies", () => {
  it("continues behind replies that it leaves out", () => {
    const behind = [4, 5].reduce<Timeline>((before, seq) => withoutReply(before, message(seq)), loaded(1, 3));
    expect(behind).toMatchObject({ atEnd: true, upTo: 5 });
    expect(seqs(withNew(behind, message(6)))).toEqual([1, 2, 3, 6]);
    expect(withoutReply(behind, message(5))).toBe(behind);
  });

  it("ends before a gap", () => {
    expect(withoutReply(loaded(1, 3), message(5)).atEnd).toBe(false);
    expect(withNew(withoutReply(loaded(1, 3), message(4)), message(6)).atEnd).toBe(false);
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

describe("a quote", () => {
  it("has the start of the message that it quotes, whatever its characters", () => {
    const long = "🎉".repeat(500);
    const quoted = withExcerpt(
      message(2, { replyTo: { id: "m1", senderId: "bob", content: "" } }),
      "m1",
      excerptOf(message(1, { content: long })),
    );
    expect(long.startsWith(quoted.replyTo?.content ?? "")).toBe(true);
    expect(Array.from(quoted.replyTo?.content ?? "").length).toBeLessThan(500);
    const other = message(3, { replyTo: { id: "m9", senderId: "bob", content: "" } });
    expect(withExcerpt(other, "m1", "changed")).toBe(other);
  });
});
