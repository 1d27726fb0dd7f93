/** Delivery and read positions of members. */

import type { Conversation, Message } from "../server/payloads.ts";

export type Status = "sent" | "delivered" | "read";

/**
 * Returns the status of the reader's own message, which all other members have reached who can see it. Without known
 * members it is "sent". A reply in a thread is never "read": who reads the conversation need not have opened the thread.
 */
export function statusOf(
  { members, history }: Pick<Conversation, "members" | "history">,
  { seq, createdAt, threadId, imported = false }: Pick<Message, "seq" | "createdAt" | "threadId" | "imported">,
  myId: string,
): Status {
  // The position of a new member starts at the newest message. An imported message may be newer than its time.
  const isHidden = (joinedAt: string): boolean =>
    history === "from-join" && !imported && Date.parse(joinedAt) > Date.parse(createdAt);
  const others = members?.filter(({ userId, joinedAt }) => userId !== myId && !isHidden(joinedAt)) ?? [];
  if (others.length === 0) return "sent";
  if (threadId === undefined && others.every(({ readSeq = 0 }) => readSeq >= seq)) return "read";
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
