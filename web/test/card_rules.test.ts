import type { Card, Conversation, MemberRole, User } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { afterPress, type CardMessage, endOf, isAsked, isChoice, mayChoose } from "../src/chat/cards/card_rules";

const ME: User = { id: "alice", name: "Alice", createdAt: "", kind: "person" };
const AGENT: User = { ...ME, kind: "agent" };

const message = (card: Partial<Card>, more: Partial<CardMessage> = {}): CardMessage => ({
  id: "1",
  conversationId: "c",
  seq: 1,
  senderId: "bob",
  sender: { id: "bob", name: "Bob" },
  type: "text",
  createdAt: "",
  ...more,
  card: {
    title: "Pay?",
    actions: [
      { id: "yes", label: "Yes" },
      { id: "no", label: "No" },
    ],
    decide: "first",
    digest: "",
    state: "open",
    ...card,
  },
});

const conversation = (myRole: MemberRole, more: Partial<Conversation> = {}): Conversation => ({
  id: "c",
  kind: "group",
  memberCount: 2,
  lastSeq: 1,
  createdAt: "",
  updatedAt: "",
  public: false,
  history: "all",
  slowModeS: 0,
  ownerId: null,
  members: [{ userId: "alice", name: "Alice", role: myRole, joinedAt: "", kind: "person" }],
  ...more,
});

const MINE = { senderId: "alice" };

describe("whom a card asks", () => {
  it.each<[Partial<Card>, Partial<CardMessage>, User, boolean]>([
    [{}, {}, ME, true],
    [{}, MINE, ME, false],
    [{ decide: "poll" }, MINE, ME, true],
    [{}, {}, AGENT, false],
    [{ decide: "poll" }, {}, AGENT, false],
    [{ who: { agents: ["alice"] } }, {}, AGENT, true],
    [{ who: { users: ["alice"] } }, {}, AGENT, false],
    [{ who: { users: ["alice"] } }, {}, ME, true],
    [{ who: { users: ["alice"] } }, MINE, ME, true],
    [{ who: { users: ["carol"] } }, {}, ME, false],
    [{ who: { author: true } }, MINE, ME, true],
    [{ who: { author: true } }, {}, ME, false],
    [{ who: { roles: ["admin"] } }, {}, ME, true],
    [{ who: { roles: ["admin"] } }, MINE, ME, false],
    [{ who: { roles: ["owner"] } }, {}, ME, false],
    [{ who: { roles: ["admin"] } }, {}, AGENT, false],
  ])("%j, of a message with %j", (card, more, me, expected) => {
    expect(isAsked(message(card, more), me, "admin")).toBe(expected);
  });
});

it("nobody chooses after the end, while muted or beside a block", () => {
  expect(mayChoose(message({}), conversation("member"), ME, false)).toBe(true);
  expect(mayChoose(message({ state: "expired" }), conversation("member"), ME, false)).toBe(false);
  expect(mayChoose(message({}), conversation("member"), ME, true)).toBe(false);
  const muted = conversation("member", { mutedByModerator: { until: "2027-01-01T00:00:00Z" } });
  expect(mayChoose(message({}), muted, ME, false)).toBe(false);
});

it("an action with a link, and one that decides nothing, is no choice", () => {
  const { card } = message({ decide: { yes: 2 } });
  expect(isChoice(card, { id: "yes", label: "Yes" })).toBe(true);
  expect(isChoice(card, { id: "no", label: "No" })).toBe(false);
  expect(isChoice({ ...card, decide: "poll" }, { id: "no", label: "No", url: "https://example.com" })).toBe(false);
});

it("polls are closed by their authors and by those who moderate, and cards are cancelled by their authors", () => {
  const poll = (more?: Partial<CardMessage>) => message({ decide: "poll" }, more);
  expect(endOf(poll(), conversation("member"), ME)).toBeNull();
  expect(endOf(poll(MINE), conversation("member"), ME)).toBe("close");
  expect(endOf(poll(), conversation("admin"), ME)).toBe("close");
  expect(endOf(poll(), conversation("owner", { kind: "direct" }), ME)).toBeNull();
  expect(endOf(message({}), conversation("owner"), ME)).toBeNull();
  expect(endOf(message({}, MINE), conversation("member"), ME)).toBe("cancel");
  expect(endOf(message({}, { onBehalfOf: "alice" }), conversation("member"), ME)).toBe("cancel");
  expect(endOf(message({ state: "decided" }, MINE), conversation("member"), ME)).toBeNull();
  expect(endOf(message({}, { ...MINE, deletedAt: "" }), conversation("member"), ME)).toBeNull();
  expect(endOf(poll(MINE), undefined, ME)).toBeNull();
});

it("a press chooses, takes back, or pushes the oldest answer out", () => {
  expect(afterPress([], "a", 1)).toEqual(["a"]);
  expect(afterPress(["a"], "a", 1)).toEqual([]);
  expect(afterPress(["a"], "b", 1)).toEqual(["b"]);
  expect(afterPress(["a"], "b", 2)).toEqual(["a", "b"]);
  expect(afterPress(["a", "b"], "c", 2)).toEqual(["b", "c"]);
});
