// Copies what was written before into Talkwire: JWT_SECRET=… TALKWIRE=… node build/after/move.js http://localhost:4000
//
// It can run again at any time: a message with the same clientMessageId is stored once.
import { orders } from "../shop.js";
import { createConversation, talkwire } from "./talkwire.js";

type Message = { id: string; senderId: string; message: string; timestamp: string };

const old: Record<string, Message[]> = await (await fetch(`${process.argv[2]}/messages`)).json();

for (const [id, { buyer }] of orders) {
  await createConversation(id, buyer);
  const messages = old[`order-${id}`] ?? [];
  for (const { id: clientMessageId, senderId, message: content, timestamp: createdAt } of messages) {
    const conversationId = `order-${id}`;
    await talkwire("POST", "/api/v1/messages", { conversationId, senderId, content, createdAt, clientMessageId });
  }
  console.log(`order-${id}: ${messages.length} messages`);
}
