// One side of a conversation in a terminal: prints its messages, and sends what is typed.
//
//   npm install socket.io-client
//   node talk.mjs http://localhost:3000 TOKEN CONVERSATION
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, token, conversationId] = process.argv.slice(2);
const socket = io(url, { auth: { token } });
const numbers = new Map(); // by message id

socket.on("connected", ({ userId }) => console.log(`you are ${userId}`));
socket.on("disconnect", () => console.log("disconnected"));
socket.on("connect_error", (error) => {
  console.log(`not connected: ${error.data?.code ?? error.message}`);
  if (!socket.active) process.exit(1); // the server has refused the token
});
socket.on("message:new", ({ id, seq, sender, content }) => {
  numbers.set(id, seq);
  console.log(`${seq} ${sender.name}: ${content}`);
});
socket.on("message:updated", ({ seq, sender, content }) => console.log(`${seq} ${sender.name}, edited: ${content}`));
socket.on("message:deleted", ({ messageId }) => console.log(`${numbers.get(messageId) ?? "An earlier message"} was deleted`));

for await (const content of createInterface({ input: process.stdin })) {
  const clientMessageId = crypto.randomUUID(); // with the same id, a second try is the same message
  try {
    const message = { conversationId, content, clientMessageId };
    const answer = await socket.timeout(10_000).emitWithAck("message:send", message);
    if (!answer.success) console.log(`not sent: ${answer.error.message}`);
  } catch (error) {
    console.log(`not sent: ${error.message}`); // the connection broke, or there was no answer in ten seconds
  }
}
socket.close();
