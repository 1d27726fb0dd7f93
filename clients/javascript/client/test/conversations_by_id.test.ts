import { describe, expect, it } from "vitest";
import {
  type ConversationsById,
  newestCall,
  newestFirst,
  totalUnread,
  withLoaded,
  withMessage,
  withReceived,
} from "../src/conversations/conversations_by_id.ts";
import type { Conversation, Message, Notice, Offer } from "../src/server/payloads.ts";
import { conversation, ME, member, message } from "./samples.ts";

const one = { c: conversation("c", { lastSeq: 4, unreadCount: 2, mentionCount: 1 }) };

describe("a new message", () => {
  it("is unread, and a mention where it names the reader", () => {
    expect(withMessage(one, message(5), ME).c).toMatchObject({ lastSeq: 5, unreadCount: 3, mentionCount: 1 });
    expect(withMessage(one, message(5, { mentions: [ME] }), ME).c).toMatchObject({ unreadCount: 3, mentionCount: 2 });
    expect(withMessage(one, message(5, { mentionsAll: true }), ME).c).toMatchObject({ mentionCount: 2 });
  });

  it("of the reader's own is not unread", () => {
    const old = withMessage(one, message(5, { imported: true, mentions: [ME] }), ME).c;
    expect(old).toMatchObject({ lastSeq: 5, unreadCount: 2, mentionCount: 1 });
    const mine = withMessage(one, message(5, { senderId: ME, mentions: [ME] }), ME).c;
    expect(mine).toMatchObject({ lastSeq: 5, unreadCount: 2, mentionCount: 1 });
  });

  it("that is known already, or of an unknown conversation, is not counted", () => {
    expect(withMessage(one, message(4), ME)).toBe(one);
    expect(withMessage(one, message(5, { conversationId: "other" }), ME)).toBe(one);
  });
});

it("an event keeps what differs by reader", () => {
  const direct = conversation("d", { kind: "direct", name: "Bob", unreadCount: 2 });
  const { unreadCount: _, name: __, ...received } = conversation("d", { kind: "direct", memberCount: 2, lastSeq: 9 });
  expect(withReceived(direct, received)).toMatchObject({ name: "Bob", unreadCount: 2, lastSeq: 9 });
  expect(withReceived(one.c, conversation("c", { name: "new" }))).toMatchObject({ name: "new", unreadCount: 2 });
});

it("an event without a default for notifications removes it", () => {
  for (const kind of ["direct", "group"] as const) {
    const before = conversation("c", { kind, notify: "all", unreadCount: 2 });
    expect(withReceived(before, conversation("c", { kind, notify: "none" }))).toMatchObject({ notify: "none" });
    expect(withReceived(before, conversation("c", { kind }))).not.toHaveProperty("notify");
  }
});

it("conversations are sorted by their newest message, or by their creation", () => {
  const listed = newestFirst({
    old: conversation("old", { lastMessage: message(1) }),
    freshSession: conversation("fresh", { createdAt: "2026-02-01T00:00:00.000Z" }),
    new: conversation("new", { lastMessage: message(2) }),
  });
  expect(listed.map(({ id }) => id)).toEqual(["fresh", "new", "old"]);
});

it("conversations with a newer offer are sorted by that", () => {
  const lastOffer = { createdAt: "2026-01-05T12:30:00.000Z" } as Offer;
  const listed = newestFirst({
    offered: conversation("offered", { lastMessage: message(1), lastOffer }),
    said: conversation("said", { lastMessage: message(29) }),
    later: conversation("later", { lastMessage: message(31) }),
  });
  expect(listed.map(({ id }) => id)).toEqual(["later", "offered", "said"]);
});

it("conversations with a newer call are sorted by that", () => {
  const lastOffer = { createdAt: "2026-01-05T12:28:00.000Z" } as Offer;
  const lastCall = { createdAt: "2026-01-05T12:30:00.000Z" } as Notice;
  const listed = newestFirst({
    called: conversation("called", { lastMessage: message(1), lastOffer, lastCall }),
    said: conversation("said", { lastMessage: message(29) }),
    later: conversation("later", { lastMessage: message(31), lastCall }),
  });
  expect(listed.map(({ id }) => id)).toEqual(["later", "called", "said"]);
});

it("a conversation that the reader has joined since is sorted by that, unless it was imported", () => {
  const joinedAt = "2026-01-05T12:30:00.000Z";
  const listed = newestFirst({
    hidden: conversation("hidden", { joinedAt, createdAt: "2026-01-02T00:00:00.000Z" }),
    said: conversation("said", { lastMessage: message(29) }),
    imported: conversation("imported", { lastMessage: message(1, { imported: true }), joinedAt }),
    later: conversation("later", { lastMessage: message(31), joinedAt }),
  });
  expect(listed.map(({ id }) => id)).toEqual(["later", "hidden", "said", "imported"]);
});

describe("an archived conversation", () => {
  const archived = (changes: Partial<Conversation> = {}) => ({
    c: conversation("c", { lastSeq: 4, archived: true, ...changes }),
  });
  const after = (conversations: ConversationsById, changes: Partial<Message> = {}) =>
    withMessage(conversations, message(5, changes), ME, new Set(["mallory"])).c?.archived;

  it("returns with a new message, also the reader's own", () => {
    expect(after(archived())).toBe(false);
    expect(after(archived(), { senderId: ME })).toBe(false);
    expect(withMessage(archived(), message(4), ME).c?.archived).toBe(true);
  });

  it("that is muted returns with a mention only", () => {
    expect(after(archived({ muted: true }))).toBe(true);
    expect(after(archived({ muted: true }), { mentions: ["carol"] })).toBe(true);
    expect(after(archived({ muted: true }), { mentions: [ME] })).toBe(false);
    expect(after(archived({ muted: true }), { mentionsAll: true })).toBe(false);
    for (const senderId of [ME, "mallory"])
      expect(after(archived({ muted: true }), { senderId, mentionsAll: true })).toBe(true);
  });

  it("adds only its mentions to the unread messages", () => {
    expect(totalUnread(archived({ unreadCount: 7, mentionCount: 2 }))).toBe(2);
  });
});

it("an answer that is older than an offer keeps the offer", () => {
  const lastOffer = { id: "7" } as Offer;
  const older = conversation("c", { lastOffer: { id: "6" } as Offer });
  expect(withLoaded(conversation("c", { lastOffer }), older).lastOffer).toBe(lastOffer);
  expect(withLoaded(older, conversation("c", { lastOffer })).lastOffer).toBe(lastOffer);
  expect(withLoaded(undefined, older)).toBe(older);
});

it("an answer of a list keeps the members that are loaded", () => {
  const members = [member(ME)];
  const newer = [member(ME), member("carol")];
  const loaded = conversation("c", { members });
  expect(withLoaded(loaded, conversation("c")).members).toBe(members);
  expect(withLoaded(loaded, conversation("c", { members: newer })).members).toBe(newer);
});

it("a call is shown until a message follows it", () => {
  const lastCall = { id: "7" } as Notice;
  expect(newestCall(conversation("c"))).toBeUndefined();
  expect(newestCall(conversation("c", { lastCall }))).toBe(lastCall);
  expect(newestCall(conversation("c", { lastCall, lastMessage: message(1, { id: "6" }) }))).toBe(lastCall);
  expect(newestCall(conversation("c", { lastCall, lastMessage: message(1, { id: "8" }) }))).toBeUndefined();
});

it("a muted conversation adds only its mentions", () => {
  const muted = conversation("m", { muted: true, unreadCount: 7, mentionCount: 1 });
  expect(totalUnread({ ...one, m: muted })).toBe(3);
});

it("a message of a blocked user is not unread", () => {
  const after = withMessage(one, message(5, { senderId: "bob", mentions: [ME] }), ME, new Set(["bob"])).c;
  expect(after).toMatchObject({ lastSeq: 5, unreadCount: 2, mentionCount: 1 });
});

it("a conversation's id may be the name of an object's property", () => {
  for (const id of ["constructor", "toString", "__proto__"]) {
    expect(withMessage({}, message(1, { conversationId: id }), ME)).toEqual({});
    const received = { [id]: conversation(id) };
    expect(Object.keys(received)).toEqual([id]);
    expect(totalUnread(withMessage(received, message(5, { conversationId: id }), ME))).toBe(1);
  }
});

it("conversations that are not listed are in no list and no total", () => {
  const loaded = {
    mine: conversation("mine", { unreadCount: 2 }),
    team: conversation("team", { unreadCount: 5, listed: false }),
  };
  expect(newestFirst(loaded).map(({ id }) => id)).toEqual(["mine"]);
  expect(totalUnread(loaded)).toBe(2);
  const after = withLoaded(loaded.team, conversation("team", { unreadCount: 5 }));
  expect(totalUnread({ ...loaded, team: after })).toBe(7);
});
