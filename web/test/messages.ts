import type { Conversation, Message } from "../src/server/payloads";

export const ME = "alice";

/** A message of bob's, `seq` minutes after noon. */
export function message(seq: number, changes: Partial<Message> = {}): Message {
  const senderId = changes.senderId ?? "bob";
  return {
    id: `m${seq}`,
    conversationId: "c",
    seq,
    senderId,
    sender: { id: senderId, name: senderId },
    createdAt: new Date(Date.UTC(2026, 0, 5, 12, seq)).toISOString(),
    content: `message ${seq}`,
    ...changes,
  };
}

export function messages(first: number, last: number): Message[] {
  return Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
}

export function conversation(id: string, changes: Partial<Conversation> = {}): Conversation {
  return { id, kind: "group", memberCount: 2, lastSeq: 0, createdAt: "2026-01-01T00:00:00.000Z", name: id, ...changes };
}
