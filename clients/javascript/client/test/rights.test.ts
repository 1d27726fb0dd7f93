import { describe, expect, test } from "vitest";
import {
  creatable,
  endsWithLastMember,
  isNonMember,
  type MemberAction,
  may,
  mayCreateAny,
  memberActions,
  type Permission,
  roleOf,
} from "../src/conversations/rights.ts";
import type { ConversationKind, MemberRole, Rights, User } from "../src/server/payloads.ts";
import { conversation, member } from "./samples.ts";

const RIGHTS: readonly (readonly [ConversationKind, MemberRole, readonly Permission[]])[] = [
  ["direct", "member", ["post"]],
  ["group", "owner", ["post", "manage", "leave", "delete"]],
  ["group", "admin", ["post", "manage", "leave"]],
  ["group", "member", ["post", "leave"]],
  ["channel", "owner", ["post", "manage", "leave", "delete"]],
  ["channel", "admin", ["post", "manage", "leave"]],
  ["channel", "member", ["leave"]],
];

const MEMBER_ACTIONS: readonly (readonly [MemberRole, MemberRole, readonly MemberAction[]])[] = [
  ["owner", "admin", ["makeMember", "handOver", "mute", "remove", "ban"]],
  ["owner", "member", ["makeAdmin", "handOver", "mute", "remove", "ban"]],
  ["admin", "owner", []],
  ["admin", "admin", []],
  ["admin", "member", ["mute", "remove", "ban"]],
  ["member", "owner", []],
  ["member", "member", []],
];

const ANN: User = { id: "ann", name: "Ann", createdAt: "2026-01-01T00:00:00.000Z", kind: "person" };

const group = conversation("c", { ownerId: "bob" });

describe("permissions by role", () => {
  test.each(RIGHTS)("in a %s the %s", (kind, role, rights) => {
    const all: Permission[] = ["post", "manage", "leave", "delete"];
    expect(all.filter((right) => may(kind, role, right))).toEqual(rights);
  });

  test("a member with an unknown role has the permissions of a member", () => {
    expect(may("channel", undefined, "post")).toBe(false);
    expect(may("group", undefined, "post")).toBe(true);
    expect(may("group", undefined, "manage")).toBe(false);
  });

  test.each(MEMBER_ACTIONS)("the %s to another %s", (role, target, actions_) => {
    expect(memberActions(group, role, { role: target }, false)).toEqual(actions_);
  });

  test("an admin may step down, an owner may not, and a direct conversation has no roles", () => {
    expect(memberActions({ ...group, kind: "channel" }, "admin", { role: "admin" }, true)).toEqual(["makeMember"]);
    expect(memberActions({ ...group, kind: "channel" }, "owner", { role: "owner" }, true)).toEqual([]);
    expect(memberActions({ ...group, kind: "direct" }, "member", { role: "member" }, false)).toEqual([]);
    expect(memberActions(group, undefined, { role: "member" }, false)).toEqual([]);
  });

  test("without an owner an admin removes nobody", () => {
    expect(memberActions({ ...group, ownerId: null }, "admin", { role: "member" }, false)).toEqual(["mute"]);
  });

  test("an erased user receives no role and can only be removed", () => {
    const gone = { role: "member", erased: true } as const;
    expect(memberActions(group, "owner", gone, false)).toEqual(["remove"]);
    expect(memberActions(group, "owner", { ...gone, role: "admin" }, false)).toEqual(["remove"]);
    expect(memberActions(group, "admin", gone, false)).toEqual(["remove"]);
    expect(memberActions(group, "admin", { ...gone, role: "owner" }, false)).toEqual([]);
    expect(memberActions({ ...group, ownerId: null }, "admin", gone, false)).toEqual([]);
  });

  test("an owner is known without the members, other roles need them", () => {
    const members = [member("ann", { role: "admin" })];
    expect(roleOf(group, { ...ANN, id: "bob" })).toBe("owner");
    expect(roleOf(group, ANN)).toBeUndefined();
    expect(roleOf({ ...group, members }, ANN)).toBe("admin");
  });
});

describe("rights on the server", () => {
  const everything: Rights = {
    createDirect: true,
    createGroup: true,
    createChannel: true,
    deleteConversation: true,
    chooseHandle: true,
  };
  const nothing: Rights = {
    createDirect: false,
    createGroup: false,
    createChannel: false,
    deleteConversation: false,
    chooseHandle: false,
  };

  test("only kinds that the reader may create are offered", () => {
    expect(creatable(everything)).toEqual(["direct", "group", "channel"]);
    expect(creatable({ ...everything, createGroup: false })).toEqual(["direct", "channel"]);
    expect([mayCreateAny(everything), mayCreateAny(nothing)]).toEqual([true, false]);
  });

  test("a conversation outlives its members without an owner, or when owners may not delete it", () => {
    expect(endsWithLastMember(group, everything)).toBe(true);
    expect(endsWithLastMember(group, nothing)).toBe(false);
    expect(endsWithLastMember({ ...group, ownerId: null }, everything)).toBe(false);
  });

  test("a reader who is not among the loaded members is no member", () => {
    expect(isNonMember(group, ANN)).toBe(false);
    expect(isNonMember({ ...group, members: [] }, ANN)).toBe(true);
    expect(isNonMember({ ...group, members: [member("ann")] }, ANN)).toBe(false);
  });
});
