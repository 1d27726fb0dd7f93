import { io } from "socket.io-client";

const url = process.argv[2] ?? "http://localhost:3000";
const signIn = (userId) => io(url, { auth: { userId }, transports: ["websocket"] });
const maya = signIn("maya");
const tomas = signIn("tomas");

tomas.on("typing:user", ({ userName, isTyping }) => isTyping && console.log(`${userName} is typing …`));
const arrived = new Promise((done) => tomas.once("message:new", done));

await Promise.all([maya, tomas].map((socket) => new Promise((done) => socket.once("connected", done))));
await maya.emitWithAck("typing:start", { conversationId: "workshop" });
const clientMessageId = crypto.randomUUID(); // a retry with the same id is answered with the same message
const { message } = await maya.emitWithAck("message:send", { conversationId: "workshop", content: "Hello!", clientMessageId });
console.log(`stored as ${message.id}`);

const { sender, conversationId, seq, content } = await arrived; // it may also arrive before Maya's acknowledgement
console.log(`${sender.name} in ${conversationId}, number ${seq}: ${content}`);
maya.close();
tomas.close();
