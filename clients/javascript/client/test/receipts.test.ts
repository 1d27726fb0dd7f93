import { expect, it } from "vitest";
import { statusOf, withReceipt } from "../src/messages/receipts.ts";
import type { Member } from "../src/server/payloads.ts";
import { conversation, ME, member as memberOf } from "./samples.ts";

const member = (userId: string, deliveredSeq: number, readSeq: number): Member =>
  memberOf(userId, { deliveredSeq, readSeq });

it("a message is read or delivered when all other members have it", () => {
  const members = [member(ME, 0, 0), member("bob", 5, 2), member("carol", 3, 3)];
  expect([1, 2, 3, 4, 6].map((seq) => statusOf(members, seq, ME))).toEqual([
    "read",
    "read",
    "delivered",
    "sent",
    "sent",
  ]);
  expect(statusOf([member(ME, 9, 9)], 1, ME)).toBe("sent");
  expect(statusOf(undefined, 1, ME)).toBe("sent");
  expect(statusOf([member("bob", 0, 4)], 4, ME)).toBe("read");
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
