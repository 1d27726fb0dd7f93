/** Delivery and read positions of members. */

import type { Conversation, Member } from "../server/payloads.ts";

export type Status = "sent" | "delivered" | "read";

/**
 * Returns the status of the reader's own message, which all other members have reached. Without known members it is
 * "sent".
 */
export function statusOf(members: readonly Member[] | undefined, seq: number, myId: string): Status {
  const others = members?.filter((member) => member.userId !== myId) ?? [];
  if (others.length === 0) return "sent";
  if (others.every(({ readSeq = 0 }) => readSeq >= seq)) return "read";
  return others.every(({ deliveredSeq = 0, readSeq = 0 }) => Math.max(deliveredSeq, readSeq) >= seq)
    ? "delivered"
    : "sent";
}

/** Applies a receipt; positions only move forward. */
export function withReceipt(
  conversation: Conversation,
  cursor: "readSeq" | "deliveredSeq",
  { userId, seq }: { userId: string; seq: number },
): Conversation {
  const { members } = conversation;
  const before = members?.find((member) => member.userId === userId);
  if (members === undefined || before === undefined || (before[cursor] ?? 0) >= seq) return conversation;
  return { ...conversation, members: members.map((each) => (each === before ? { ...each, [cursor]: seq } : each)) };
}
