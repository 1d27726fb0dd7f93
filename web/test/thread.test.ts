import { describe, expect, it } from "vitest";
import { threadOf, withPage, withReply, withThreadChange } from "../src/chat/messages/thread";
import { tombstone, withReplyCount } from "../src/chat/messages/timeline";
import { message } from "./samples";

const reply = (seq: number) => message(seq, { threadId: "m1" });
const loaded = withPage(threadOf("m1"), {
  root: message(1, { replyCount: 4 }),
  items: [reply(6), reply(9)],
  next: "m6",
});
const seqs = (thread: { replies: readonly { seq: number }[] }) => thread.replies.map(({ seq }) => seq);

describe("a thread", () => {
  it("grows backwards with older pages", () => {
    const whole = withPage(loaded, { root: message(1, { replyCount: 4 }), items: [reply(2), reply(4)], next: null });
    expect(seqs(whole)).toEqual([2, 4, 6, 9]);
    expect([loaded.next, whole.next]).toEqual(["m6", null]);
  });

  it("keeps a reply once that arrived while its page was loaded", () => {
    const told = withReply(threadOf("m1"), reply(9));
    const after = withPage(told, { root: message(1), items: [reply(6)], next: null });
    expect(seqs(after)).toEqual([6, 9]);
    expect(seqs(withPage(told, { root: message(1), items: [reply(6), reply(9)], next: null }))).toEqual([6, 9]);
  });

  it("shows and counts a new reply once", () => {
    const after = withReply(loaded, reply(12));
    expect(seqs(after)).toEqual([6, 9, 12]);
    expect(after.root?.replyCount).toBe(5);
    expect(withReply(after, reply(12))).toBe(after);
  });

  it("ignores messages of other threads and of the conversation", () => {
    expect(withReply(loaded, message(12))).toBe(loaded);
    expect(withReply(loaded, message(12, { threadId: "m2" }))).toBe(loaded);
  });

  it("changes its root and its replies, and nothing that is not loaded", () => {
    const edited = withThreadChange(loaded, "m9", (it) => ({ ...it, content: "edited" }));
    expect(edited.replies.map(({ content }) => content)).toEqual(["message 6", "edited"]);
    expect(withThreadChange(loaded, "m1", (it) => withReplyCount(it, -1)).root?.replyCount).toBe(3);
    expect(withThreadChange(loaded, "elsewhere", (it) => ({ ...it, content: "?" }))).toBe(loaded);
  });

  it("outlives its root", () => {
    const gone = withThreadChange(loaded, "m1", (it) => tombstone(it, "2026-01-06T00:00:00.000Z"));
    expect(gone.root).toMatchObject({ deletedAt: "2026-01-06T00:00:00.000Z", replyCount: 4 });
  });
});

it("a count of replies never falls below zero", () => {
  expect(withReplyCount(message(1), -1).replyCount).toBe(0);
});
