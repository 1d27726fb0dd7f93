// A client of the gateway dialect in a room: npm install socket.io-client, then
//
//   node gateway-rooms.mjs http://127.0.0.1:3000/gateway TOKEN [CONVERSATION]
//
// or without /gateway, where the server was started with --dialect gateway. It joins the room of a conversation, shows
// its history, types, sends a message and marks as read what others write, until it is stopped.
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:3000/gateway", token, conversationId = "general"] = process.argv.slice(2);
const socket = io(url, { auth: { token } });

const show = (name, value) => console.log(name, JSON.stringify(value));
const ask = (name, payload) =>
  new Promise((done) => socket.emit(name, payload, (answer) => (show(`${name} ->`, answer), done(answer))));

let me = null;
socket.onAny((name, payload) => show(name, payload));

// `notification` is for conversations whose room this socket has not joined.
socket.on("roomMessage", ({ id, senderId }) => {
  if (senderId !== me) socket.emit("markRead", { conversationId, messageId: id });
});

// A reconnect makes a new socket, which has to join again.
socket.on("connected", async ({ userId }) => {
  me = userId;
  await ask("joinRoom", { conversationId });
  const { data } = await ask("getHistory", { conversationId, limit: 20 });
  const senders = [...new Set(data.messages.map(({ senderId }) => senderId))];
  await ask("getPresence", { userIds: senders });
  await ask("startTyping", { conversationId });
  await ask("message", { conversationId, message: "Hello, room" });
  await ask("stopTyping", { conversationId });
  await ask("markRead", { conversationId });
});

process.on("SIGINT", async () => {
  await ask("leaveRoom", { conversationId });
  socket.disconnect();
});
