// A customer in a terminal: node before/client.mjs http://localhost:4000 alice
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [shop, user] = process.argv.slice(2);
const conversationId = "order-7";
const show = ({ senderName, message }) => console.log(`${senderName}: ${message}`);
const fetchToken = async () => (await fetch(`${shop}/chat-token?user=${user}`)).text();

const socket = io(shop, { auth: (give) => fetchToken().then((token) => give({ token })) });

socket.on("connect", () => socket.emit("joinRoom", { conversationId }));
socket.on("roomJoined", () => socket.emit("getHistory", { conversationId }));
socket.on("history", ({ data }) => {
  data.messages.forEach(show);
  console.log("(joined)");
});
socket.on("roomMessage", show);
socket.on("typing", ({ userName, isTyping }) => isTyping && console.log(`(${userName} is typing)`));
socket.on("orderShipped", ({ id }) => console.log(`(order ${id} is on its way)`));
socket.on("error", ({ message }) => console.log(`(refused: ${message})`));

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "/typing") {
    socket.emit("typing", { conversationId });
  } else if (line === "/order") {
    const { status } = await socket.emitWithAck("trackOrder", { id: "7" });
    console.log(`(order 7 is ${status})`);
  } else {
    socket.emit("message", { conversationId, message: line });
  }
}
socket.close();
