/** Payloads as the server sends them, for tests. */

import type { Conversation, Member, Message } from "../src/server/payloads.ts";

export const ME = "alice";

const CREATED_AT = "2026-01-01T00:00:00.000Z";

/** A message of bob, `seq` minutes after noon. */
export function message(seq: number, changes: Partial<Message> = {}): Message {
  const senderId = changes.senderId ?? "bob";
  return {
    id: `m${seq}`,
    conversationId: "c",
    seq,
    senderId,
    sender: { id: senderId, name: senderId },
    type: "text",
    createdAt: new Date(Date.UTC(2026, 0, 5, 12, seq)).toISOString(),
    content: `message ${seq}`,
    ...changes,
  };
}

export function messages(first: number, last: number): Message[] {
  return Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
}

/** A group of two without messages. */
export function conversation(id: string, changes: Partial<Conversation> = {}): Conversation {
  return {
    id,
    kind: "group",
    memberCount: 2,
    lastSeq: 0,
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    public: false,
    history: "all",
    slowModeS: 0,
    ownerId: null,
    name: id,
    ...changes,
  };
}

export function member(userId: string, changes: Partial<Member> = {}): Member {
  return { userId, name: userId, role: "member", joinedAt: CREATED_AT, kind: "person", ...changes };
}
