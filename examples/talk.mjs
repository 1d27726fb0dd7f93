// One side of a conversation in a terminal: prints its messages, and sends what is typed.
//
//   npm install socket.io-client
//   node talk.mjs http://localhost:3000 TOKEN CONVERSATION
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, token, conversationId] = process.argv.slice(2);
const socket = io(url, { auth: { token } });

socket.on("connected", ({ userId }) => console.log(`you are ${userId}`));
socket.on("connect_error", (error) => console.log(`not connected: ${error.data?.code ?? error.message}`));
socket.on("message:new", ({ seq, sender, content }) => console.log(`${seq} ${sender.name}: ${content}`));

for await (const content of createInterface({ input: process.stdin })) {
  const clientMessageId = crypto.randomUUID(); // with the same id, a second try is the same message
  const answer = await socket.emitWithAck("message:send", { conversationId, content, clientMessageId });
  if (!answer.success) console.log(`not sent: ${answer.error.message}`);
}
socket.close();
