// Two users of a demo server talk: `make run`, then `npm install socket.io-client` and `node hello.mjs`.
import { io } from "socket.io-client";

const url = process.argv[2] ?? "http://localhost:3000";
const signIn = (userId) => io(url, { auth: { userId }, transports: ["websocket"] });
const alice = signIn("alice");
const bob = signIn("bob");

bob.on("typing:user", ({ userName }) => console.log(`${userName} is typing …`));
bob.on("message:new", (message) => {
  console.log(`${message.sender.name} in ${message.conversationId}, number ${message.seq}: ${message.content}`);
  alice.close();
  bob.close();
});

await Promise.all([alice, bob].map((socket) => new Promise((done) => socket.once("connected", done))));
await alice.emitWithAck("typing:start", { conversationId: "general" });
const clientMessageId = crypto.randomUUID(); // a retry with the same id is answered with the same message
const { message } = await alice.emitWithAck("message:send", { conversationId: "general", content: "Hello!", clientMessageId });
console.log(`stored as ${message.id}`);
