// The official Socket.IO client in a conversation with somebody.
//
//   node chat_client.mjs URL TRANSPORT[,TRANSPORT] TOKEN CONVERSATION
//
// Says what it hears, one line of JSON each; answers a greeting, and leaves when it hears "bye".
import { io } from "socket.io-client";

const [url, transports, token, conversationId] = process.argv.slice(2);
const DEADLINE_MS = 20_000;
const COUNT = 10;

function report(happened, details = {}) {
  console.log(JSON.stringify({ happened, ...details }));
}

const socket = io(url, { transports: transports.split(","), auth: { token }, reconnection: false, forceNew: true });
let myId = null;
let upgrades = 0;

async function send(content, clientMessageId) {
  return await socket.timeout(10_000).emitWithAck("message:send", { conversationId, content, clientMessageId });
}

socket.io.engine.on("upgrade", () => upgrades++);

socket.on("connected", (welcome) => {
  myId = welcome.userId;
  report("connected", { welcome, socketId: socket.id });
});

socket.on("typing:user", (typing) => report("typing", { typing }));

socket.on("message:new", async (message) => {
  if (message.senderId === myId) return;
  report("received", { content: message.content, seq: message.seq });
  if (message.content === "hello") {
    const answers = await Promise.all(Array.from({ length: COUNT }, (_, number) => send(`answer ${number}`, `c-${number}`)));
    const again = await send("answer 0", "c-0");
    report("sent", {
      in_order: answers.every((answer, number) => number === 0 || answer.message.seq === answers[number - 1].message.seq + 1),
      retried: JSON.stringify(again) === JSON.stringify(answers[0]),
    });
    const refused = await socket.timeout(10_000).emitWithAck("message:send", { conversationId: "nowhere", content: "x" });
    report("refused", { code: refused.error.code });
    socket.emit("typing:start", { conversationId });
  }
  if (message.content === "bye") {
    report("leaving", { transport: socket.io.engine.transport.name, upgrades });
    // The process ends by itself once everything has left.
    socket.disconnect();
  }
});

socket.on("connect_error", (error) => {
  report("connect_error", { message: error.message, data: error.data });
  process.exit(1);
});

socket.on("disconnect", (reason) => {
  if (reason === "io client disconnect") return;
  report("lost the connection", { reason });
  process.exit(1);
});

setTimeout(() => {
  report("gave up", { deadline_ms: DEADLINE_MS });
  process.exit(1);
}, DEADLINE_MS).unref();
