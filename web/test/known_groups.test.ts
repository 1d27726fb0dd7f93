import type { Conversation } from "@talkwire/client";
import { expect, it } from "vitest";
import { KnownGroups } from "../src/chat/conversations/known_groups";

const conversation = (id: string, kind: Conversation["kind"] = "group"): Conversation =>
  ({ id, kind, name: id.toUpperCase() }) as Conversation;
const list = (...all: Conversation[]) => Object.fromEntries(all.map((each) => [each.id, each]));
const idsOf = (all: readonly Conversation[]) => all.map(({ id }) => id);

it("finds groups and channels that are missing in the whole list, once", () => {
  const known = new KnownGroups();
  known.keep(list(conversation("a"), conversation("b"), conversation("d", "direct")));
  known.keep(list(conversation("c", "channel")));
  const now = list(conversation("a"));
  expect(idsOf(known.missingIn(now))).toEqual(["b", "c"]);
  expect(known.missingIn(now)).toEqual([]);
});

it("leaves out conversations of the reader's teams, which leave the list when they are closed", () => {
  const known = new KnownGroups();
  const open = { ...conversation("a"), waitingSince: null };
  const notes = { ...conversation("b"), listed: false };
  known.keep(list(open, notes, conversation("c")));
  expect(idsOf(known.missingIn({}))).toEqual(["c"]);
});

it("leaves out a conversation whose end is known", () => {
  const known = new KnownGroups();
  known.keep(list(conversation("a"), conversation("b")));
  known.forget("a");
  expect(idsOf(known.missingIn({}))).toEqual(["b"]);
});

it("keeps the cursor of the first list", () => {
  const known = new KnownGroups();
  known.keep(list(conversation("a")), "log-1");
  known.keep(list(conversation("b")), "log-2");
  expect(known.since).toBe("log-1");
  known.missingIn({});
  expect(known.since).toBeNull();
});
