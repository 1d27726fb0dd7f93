// A customer in a terminal: node after/client.mjs http://localhost:4000 alice http://localhost:3000
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [shop, user, talkwire] = process.argv.slice(2);
const conversationId = "order-7";
const show = ({ senderName, message }) => console.log(`${senderName}: ${message}`);
const fetchToken = async () => (await fetch(`${shop}/chat-token?user=${user}`)).text();

const socket = io(talkwire, { auth: (give) => fetchToken().then((token) => give({ token })) });

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
    socket.emit("startTyping", { conversationId });
  } else if (line === "/order") {
    const { status } = await (await fetch(`${shop}/orders/7`)).json();
    console.log(`(order 7 is ${status})`);
  } else {
    socket.emit("message", { conversationId, message: line });
  }
}
socket.close();
