import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { isAsWanted, type MessageChange, replaces, withChanges } from "../src/messages/changes.ts";
import { Outbox, type OutboxEntry } from "../src/outbox/outbox.ts";
import { MemoryStorage, storesIn } from "../src/storage/stores.ts";
import { ME, message } from "./samples.ts";

const edit = (content: string): MessageChange => ({ kind: "edit", messageId: "m1", content });
const label = (metadata: Record<string, unknown> | null): MessageChange => ({
  kind: "edit",
  messageId: "m1",
  metadata,
});
const react = (emoji: string, isGiven = true): MessageChange => ({ kind: "react", messageId: "m1", emoji, isGiven });
const pin = (isPinned: boolean): MessageChange => ({ kind: "pin", messageId: "m1", isPinned });
const remove: MessageChange = { kind: "delete", messageId: "m1" };
const entry = (change: MessageChange, problem: string | null = null): OutboxEntry => ({
  clientMessageId: "x",
  userId: ME,
  conversationId: "c",
  content: "",
  replyToId: null,
  writtenAt: 0,
  problem,
  change,
});

describe("a message with changes that are not stored yet", () => {
  const thumbs = { emoji: "👍", count: 1, userIds: ["bob"] };
  const shown = (...changes: MessageChange[]) =>
    withChanges(
      message(1, { reactions: [thumbs] }),
      changes.map((change) => entry(change)),
      ME,
    );

  it.each<[MessageChange, object]>([
    [edit("new"), { content: "new" }],
    [label({ state: "approved" }), { content: "message 1", metadata: { state: "approved" } }],
    [react("👍"), { reactions: [{ emoji: "👍", count: 2, userIds: ["bob", ME] }] }],
    [react("🎉"), { reactions: [thumbs, { emoji: "🎉", count: 1, userIds: [ME] }] }],
    [react("👍", false), { reactions: [thumbs] }],
    [pin(true), { pinned: true }],
    [remove, { deletedAt: expect.any(String) }],
  ])("shows %j", (change, expected) => {
    expect(shown(change)).toMatchObject(expected);
  });

  it("loses a reaction that nobody gives any more", () => {
    expect(shown(react("🎉"), react("🎉", false)).reactions).toEqual([thumbs]);
  });

  it("loses its metadata when an edit removes it, and keeps it when one sets only the text", () => {
    const before = message(1, { metadata: { state: "open" } });
    expect(withChanges(before, [entry(label(null))], ME)).toEqual(message(1));
    expect(withChanges(before, [entry(edit("new"))], ME)).toEqual({ ...before, content: "new" });
  });

  it("stays deleted, whatever follows", () => {
    expect(shown(remove, edit("new")).content).toBeUndefined();
  });

  it("shows of what was refused only the text of an edit", () => {
    const refused = [edit("new"), react("🎉"), remove].map((change) => entry(change, "no"));
    expect(withChanges(message(1), refused, ME)).toEqual({ ...message(1), content: "new" });
  });
});

it("a change is not sent if the message is as wanted", () => {
  const stored = message(1, { pinned: true, reactions: [{ emoji: "👍", count: 1, userIds: [ME] }] });
  const wanted = [edit("message 1"), react("👍"), react("🎉", false), pin(true)];
  expect(wanted.map((change) => isAsWanted(stored, change, ME))).toEqual([true, true, true, true]);
  const others = [edit("new"), react("👍", false), react("🎉"), pin(false), remove];
  expect(others.map((change) => isAsWanted(stored, change, ME))).toEqual([false, false, false, false, false]);
});

it.each([
  [undefined, null, true],
  [undefined, {}, false],
  [{ state: "open" }, { state: "open" }, true],
  [{ state: "open" }, { state: "approved" }, false],
  [{ state: "open" }, null, false],
])("an edit from the metadata %j to %j has to be sent, unless they are the same", (before, after, isWanted) => {
  const stored = message(1, before === undefined ? {} : { metadata: before });
  expect(isAsWanted(stored, label(after), ME)).toBe(isWanted);
  expect(isAsWanted(stored, { kind: "edit", messageId: "m1", content: "new", metadata: after }, ME)).toBe(false);
});

it("an edit replaces an earlier one if it sets all that the earlier one set", () => {
  const both: MessageChange = { kind: "edit", messageId: "m1", content: "c", metadata: null };
  const all = [edit("a"), label({ n: 1 }), both];
  expect(all.filter((earlier) => replaces(edit("b"), earlier))).toEqual([edit("a")]);
  expect(all.filter((earlier) => replaces(label(null), earlier))).toEqual([label({ n: 1 })]);
  expect(all.filter((earlier) => replaces(both, earlier))).toEqual(all);
});

it("a later change replaces what it makes needless", () => {
  const all = [edit("a"), react("👍"), react("🎉"), pin(true), remove];
  expect(all.filter((earlier) => replaces(edit("b"), earlier))).toEqual([edit("a")]);
  expect(all.filter((earlier) => replaces(react("👍", false), earlier))).toEqual([react("👍")]);
  expect(all.filter((earlier) => replaces(pin(false), earlier))).toEqual([pin(true)]);
  expect(all.filter((earlier) => replaces(remove, earlier))).toEqual(all);
  expect(replaces({ ...remove, messageId: "m2" }, edit("a"))).toBe(false);
});

it("what is being sent cannot be withdrawn", async () => {
  const sent: OutboxEntry[] = [];
  const store = storesIn(new MemoryStorage()).outbox;
  const send = (each: OutboxEntry) => {
    sent.push(each);
    return new Promise<void>(() => undefined);
  };
  const outbox = new Outbox({ userId: ME, store, send, onChange: () => undefined });
  await outbox.add({ conversationId: "c", content: "", change: edit("first") });
  expect(await outbox.withdraw(({ change }) => change?.kind === "edit")).toBe(true);
  outbox.setOpen(true);
  await outbox.add({ conversationId: "c", content: "", change: edit("second") });
  await outbox.add({ conversationId: "c", content: "", change: edit("third") });
  expect(sent.map(({ change }) => change)).toEqual([edit("second")]);
  expect(await outbox.withdraw(({ change }) => change?.kind === "edit")).toBe(false);
  expect(outbox.entries.map(({ change }) => change)).toEqual([edit("second")]);
});
