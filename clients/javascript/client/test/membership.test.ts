import { expect, test } from "vitest";
import { withoutMember, withRole, withSender, withUser } from "../src/conversations/membership.ts";
import type { Conversation, User } from "../src/server/payloads.ts";
import { conversation, member, message } from "./samples.ts";

const AT = "2026-01-01T00:00:00.000Z";
const ANN = member("ann", { name: "Ann", role: "owner" });
const BOB = member("bob", { name: "Bob", avatar: "/old" });

const group = conversation("c", { name: "Plans", ownerId: "ann", members: [ANN, BOB] });
const direct: Conversation = { ...group, id: "d", kind: "direct", name: "Bob", avatar: "/old" };

test("removing a member twice is the same as removing them once", () => {
  const once = withoutMember(group, "bob");
  expect(once).toMatchObject({ memberCount: 1, members: [ANN] });
  expect(withoutMember(once, "bob")).toBe(once);
});

test("an owner who leaves owns nothing", () => {
  expect(withoutMember(group, "ann")).toMatchObject({ ownerId: null, members: [BOB] });
});

test("without loaded members only their number changes", () => {
  const { members: _, ...listed } = group;
  expect(withoutMember(listed, "bob")).toEqual({ ...listed, memberCount: 1 });
});

test("a new owner owns the conversation", () => {
  const after = withRole(withRole(group, "bob", "owner"), "ann", "admin");
  expect(after.ownerId).toBe("bob");
  expect(after.members?.map(({ role }) => role)).toEqual(["admin", "owner"]);
});

test("a user's new name is used for the last message, also where the members are not loaded", () => {
  const { members: _, ...listed } = { ...group, lastMessage: message(1, { senderId: "bob" }) };
  const after = withUser({ c: listed }, { id: "bob", name: "Robert", createdAt: AT, kind: "person" }, "ann");
  expect(after.c?.lastMessage?.sender).toEqual({ id: "bob", name: "Robert" });
  expect(withUser({ c: listed }, { id: "cat", name: "Cat", createdAt: AT, kind: "person" }, "ann").c).toEqual(listed);
});

test("a user's new name and picture are used among members and for their direct conversation", () => {
  const robert: User = { id: "bob", name: "Robert", createdAt: AT, kind: "person" };
  const after = withUser({ c: group, d: direct }, robert, "ann");
  expect(after.c?.members?.[1]).toEqual({ ...member("bob"), name: "Robert", role: "member" });
  expect(after.c?.name).toBe("Plans");
  expect(after.d?.name).toBe("Robert");
  expect(after.d).not.toHaveProperty("avatar");
});

test("a user's handle among members is the one that they have now", () => {
  const robert: User = { id: "bob", name: "Robert", createdAt: AT, kind: "person" };
  const after = withUser({ c: group }, { ...robert, handle: "rob" }, "ann");
  expect(after.c?.members?.[1]?.handle).toBe("rob");
  expect(withUser(after, robert, "ann").c?.members?.[1]).not.toHaveProperty("handle");
});

test("a user who becomes an agent is one among the members", () => {
  const helper: User = { id: "bob", name: "Bob", createdAt: AT, kind: "agent", ownerId: "ann" };
  expect(withUser({ c: group }, helper, "ann").c?.members?.map(({ kind }) => kind)).toEqual(["person", "agent"]);
});

test("an erased user is marked among the members", () => {
  const gone: User = { id: "bob", name: "Deleted user", createdAt: AT, kind: "person", erased: true };
  const [ann, bob] = withUser({ c: group }, gone, "ann").c?.members ?? [];
  expect([ann?.erased, bob?.erased, bob?.name]).toEqual([undefined, true, "Deleted user"]);
});

test("the reader's own new name does not rename a direct conversation", () => {
  const after = withUser({ d: direct }, { id: "ann", name: "Anna", createdAt: AT, kind: "person" }, "ann");
  expect(after.d?.name).toBe("Bob");
});

test("messages show their sender's current profile", () => {
  const sent = { ...message(1), senderId: "bob", sender: { id: "bob", name: "Bob" } };
  const other = { messages: [{ ...message(1), senderId: "ann" }], atStart: true, atEnd: true };
  const timelines = { c: { messages: [sent], atStart: true, atEnd: true }, d: other };
  const after = withSender(timelines, { id: "bob", name: "Robert", createdAt: AT, kind: "person", avatar: "/new" });
  expect(after.c?.messages[0]?.sender).toEqual({ id: "bob", name: "Robert", avatar: "/new" });
  expect(after.d).toBe(other);
});
