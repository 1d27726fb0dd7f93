import { expect, it } from "vitest";
import { statusOf, withReceipt } from "../src/messages/receipts.ts";
import type { Member } from "../src/server/payloads.ts";
import { conversation, ME, member as memberOf, message } from "./samples.ts";

const member = (userId: string, deliveredSeq: number, readSeq: number): Member =>
  memberOf(userId, { deliveredSeq, readSeq });
const statusAt = (members: Member[] | undefined, seq: number) =>
  statusOf(conversation("c", members && { members }), message(seq), ME);

it("a message is read or delivered when all other members have it", () => {
  const members = [member(ME, 0, 0), member("bob", 5, 2), member("carol", 3, 3)];
  expect([1, 2, 3, 4, 6].map((seq) => statusAt(members, seq))).toEqual(["read", "read", "delivered", "sent", "sent"]);
  expect(statusAt([member(ME, 9, 9)], 1)).toBe("sent");
  expect(statusAt(undefined, 1)).toBe("sent");
  expect(statusAt([member("bob", 0, 4)], 4)).toBe("read");
});

it("a reply in a thread is delivered where the conversation was read", () => {
  const of = conversation("c", { members: [member("bob", 0, 2)] });
  const statuses = [1, 2, 3].map((seq) => statusOf(of, message(seq, { threadId: "m1" }), ME));
  expect(statuses).toEqual(["delivered", "delivered", "sent"]);
});

it("members who cannot see a message do not count", () => {
  const bob = { ...member("bob", 5, 5), joinedAt: "2026-01-01T10:00:00.000Z" };
  const carol = { ...member("carol", 1, 1), joinedAt: "2026-01-01T08:00:00.000Z" };
  const early = message(1, { createdAt: "2026-01-01T09:00:00.000Z" });
  const late = message(2, { createdAt: "2026-01-01T11:00:00.000Z" });
  const fromJoin = conversation("c", { members: [bob], history: "from-join" });
  expect([early, late].map((each) => statusOf(fromJoin, each, ME))).toEqual(["sent", "read"]);
  expect(statusOf({ ...fromJoin, members: [bob, carol] }, early, ME)).toBe("read");
  expect(statusOf({ ...fromJoin, history: "all" }, early, ME)).toBe("read");
  expect(statusOf(fromJoin, { ...early, imported: true }, ME)).toBe("read");
});

it("receipts move one member's position, forward only", () => {
  const before = conversation("c", { members: [member("bob", 5, 2), member("carol", 3, 3)] });
  const after = withReceipt(before, "readSeq", { userId: "bob", seq: 4 });
  expect(after.members?.map(({ readSeq }) => readSeq)).toEqual([4, 3]);
  expect(withReceipt(after, "readSeq", { userId: "bob", seq: 3 })).toBe(after);
  expect(withReceipt(after, "deliveredSeq", { userId: "stranger", seq: 9 })).toBe(after);
  const unknown = conversation("c");
  expect(withReceipt(unknown, "readSeq", { userId: "bob", seq: 4 })).toBe(unknown);
});
