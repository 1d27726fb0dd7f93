import { describe, expect, it } from "vitest";
import {
  firstUnread,
  lacksStart,
  lacksUnread,
  threadOf,
  withPage,
  withQuotes,
  withReply,
  withThreadChange,
} from "../src/messages/thread.ts";
import { excerptOf, tombstone, withReplyAtRoot, withThread } from "../src/messages/timeline.ts";
import { message } from "./samples.ts";

const reply = (seq: number) => message(seq, { threadId: "m1" });
const loaded = withPage(threadOf("m1"), {
  root: message(1, { replyCount: 4 }),
  items: [reply(6), reply(9)],
  next: "m6",
  following: true,
});
const seqs = (thread: { replies: readonly { seq: number }[] }) => thread.replies.map(({ seq }) => seq);

describe("a thread", () => {
  it("starts the unread replies at the first one by somebody else, once all of them are loaded", () => {
    const root = message(1);
    const page = { root, following: true, readSeq: 3, unreadCount: 4 };
    const newest = withPage(threadOf("m1"), { ...page, items: [reply(8), reply(9)], next: "m8" });
    expect([lacksUnread(newest), firstUnread(newest, "me")]).toEqual([true, undefined]);
    const mine = { ...reply(4), senderId: "me" };
    const older = { ...page, readSeq: 9, unreadCount: 0, items: [reply(2), mine, reply(6)], next: "m2" };
    const whole = withPage(newest, older);
    expect([lacksUnread(whole), firstUnread(whole, "me")?.seq]).toEqual([false, 6]);
    const read = withPage(threadOf("m1"), { ...page, unreadCount: 0, items: [reply(9)], next: "m9" });
    expect([lacksUnread(read), firstUnread(read, "me")]).toEqual([false, undefined]);
  });

  it("starts at the wanted reply before the first unread one, and lacks it until its page is loaded", () => {
    const page = { root: message(1), following: true, readSeq: 3, unreadCount: 4, items: [reply(8)], next: "m8" };
    const newest = withPage(threadOf("m1"), page);
    expect([lacksStart(newest), lacksStart({ ...newest, wantedId: "m6" })]).toEqual([true, true]);
    expect([lacksStart({ ...newest, next: null }), lacksStart({ ...newest, wantedId: "m8" })]).toEqual([false, false]);
  });

  it("grows backwards with older pages", () => {
    const whole = withPage(loaded, {
      root: message(1, { replyCount: 4 }),
      items: [reply(2), reply(4)],
      next: null,
      following: true,
    });
    expect(seqs(whole)).toEqual([2, 4, 6, 9]);
    expect([loaded.next, whole.next]).toEqual(["m6", null]);
  });

  it("keeps a reply once that arrived while its page was loaded", () => {
    const received = withReply(threadOf("m1"), reply(9));
    const after = withPage(received, { root: message(1), items: [reply(6)], next: null, following: true });
    expect(seqs(after)).toEqual([6, 9]);
    expect(
      seqs(withPage(received, { root: message(1), items: [reply(6), reply(9)], next: null, following: true })),
    ).toEqual([6, 9]);
  });

  it("counts a reply that arrived after its first page was read, also when older ones are loaded", () => {
    const received = withReply(threadOf("m1"), reply(9));
    const root = message(1, { replyCount: 1 });
    const first = withPage(received, { root, items: [reply(6)], next: "m6", following: true });
    expect(first.root?.replyCount).toBe(2);
    const whole = withPage(first, { root, items: [reply(2)], next: null, following: true });
    expect(whole.root?.replyCount).toBe(2);
    const read = { root: message(1, { replyCount: 2 }), items: [reply(6), reply(9)], next: null, following: true };
    expect(withPage(received, read).root?.replyCount).toBe(2);
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
    const emptied = withThreadChange(loaded, "m1", (root) => withThread(root, undefined));
    expect(emptied.root).toMatchObject({ replyCount: 0 });
    expect(emptied.root).not.toHaveProperty("thread");
    expect(withThreadChange(loaded, "elsewhere", (it) => ({ ...it, content: "?" }))).toBe(loaded);
  });

  it("outlives its root", () => {
    const gone = withThreadChange(loaded, "m1", (it) => tombstone(it, "2026-01-06T00:00:00.000Z"));
    expect(gone.root).toMatchObject({ deletedAt: "2026-01-06T00:00:00.000Z", replyCount: 4 });
  });
});

it("quotes follow the message that they quote", () => {
  const quoting = reply(10);
  const whole = withReply(loaded, { ...quoting, replyTo: { id: "m6", senderId: "bob", content: "message 6" } });
  const edited = withQuotes(whole, "m6", excerptOf(message(6, { content: "edited" })));
  expect(edited.replies.at(-1)?.replyTo?.content).toBe("edited");
  expect(withQuotes(edited, "m6", "").replies.at(-1)?.replyTo?.content).toBe("");
  expect(withQuotes(whole, "m9", "?")).toBe(whole);
});

it("a root shows the last reply and at most five people, the newest first", () => {
  const root = ["a", "b", "c", "a", "d", "e", "f"].reduce(
    (before, senderId, index) => withReplyAtRoot(before, message(index + 2, { senderId })),
    message(1),
  );
  expect(root.thread?.participants.map(({ id }) => id)).toEqual(["f", "e", "d", "a", "c"]);
  expect(root.thread).toMatchObject({ replyCount: 7, lastReplyAt: message(8).createdAt });
  expect(root.replyCount).toBe(7);
});
