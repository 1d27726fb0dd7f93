import { io } from "socket.io-client";

const url = process.argv[2] ?? "http://localhost:3000";
const signIn = (userId) => io(url, { auth: { userId }, transports: ["websocket"] });
const maya = signIn("maya");
const tomas = signIn("tomas");

tomas.on("typing:user", ({ userName }) => console.log(`${userName} is typing …`));
tomas.on("message:new", (message) => {
  console.log(`${message.sender.name} in ${message.conversationId}, number ${message.seq}: ${message.content}`);
  maya.close();
  tomas.close();
});

await Promise.all([maya, tomas].map((socket) => new Promise((done) => socket.once("connected", done))));
await maya.emitWithAck("typing:start", { conversationId: "workshop" });
const clientMessageId = crypto.randomUUID(); // a retry with the same id is answered with the same message
const { message } = await maya.emitWithAck("message:send", { conversationId: "workshop", content: "Hello!", clientMessageId });
console.log(`stored as ${message.id}`);
