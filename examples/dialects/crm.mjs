// A client of the crm dialect, at /chat: npm install socket.io-client, then
//
//   node crm.mjs http://127.0.0.1:3000 TOKEN [CHAT]
//
// Signs in in all three ways, joins a chat, sends each kind of event once, by socket and over REST, and prints the
// events that it receives until it is stopped.
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:3000", token, chat = "1"] = process.argv.slice(2);
const chatId = /^\d+$/.test(chat) ? Number(chat) : chat; // ids that are numerals are numbers here

const show = (name, value) => console.log(name, JSON.stringify(value));
const asker = (socket) => (name, payload) =>
  new Promise((done) => socket.emit(name, payload, (answer) => (show(`${name} ->`, answer), done(answer))));

// In the payload of the namespace, in a header (which a browser cannot set for a WebSocket), in the query.
const socket = io(`${url}/chat`, { auth: { token }, transports: ["websocket", "polling"] });
const byHeader = io(`${url}/chat`, { extraHeaders: { authorization: `Bearer ${token}` }, forceNew: true });
const byQuery = io(`${url}/chat?token=${token}`, { forceNew: true });
for (const other of [byHeader, byQuery]) {
  other.on("connect", async () => {
    await asker(other)("authenticate", undefined);
    other.disconnect();
  });
}

const ask = asker(socket);
for (const name of [
  "messageUpdated", "messageDeleted", "messageReaction", "messageDelivered", "messageRead", "userTyping", "userJoined",
  "userLeft", "userOnline", "userOffline", "error",
]) socket.on(name, (payload) => show(name, payload));
socket.on("connect_error", (error) => show("connect_error", { message: error.message, ...error.data }));
socket.on("disconnect", (reason) => show("disconnect", { reason }));

// Ignores ids that were seen before: a client may have added its own messages to the page already.
const seen = new Set();
let me = null;
socket.on("newMessage", (news) => {
  if (seen.has(news.message.id)) return;
  seen.add(news.message.id);
  show("newMessage", news);
  if (news.message.senderId !== me) socket.emit("markAsRead", { chatId, messageId: news.message.id });
});

socket.on("connect", async () => {
  ({ userId: me } = await ask("authenticate", undefined));
  await ask("joinChat", { chatId });
  socket.emit("typing", { chatId, isTyping: true });
  const { data } = await ask("sendMessage", { chatId, content: "Hello by socket" });
  socket.emit("typing", { chatId, isTyping: false });
  await ask("updateMessage", { messageId: data.id, content: "Hello again" });
  await ask("ping", undefined);

  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ chatId, content: "Hello over REST" });
  const answer = await fetch(new URL("/chat-messages", url), { method: "POST", headers, body });
  show("POST /chat-messages ->", await answer.json());
});

process.on("SIGINT", async () => {
  await ask("leaveChat", { chatId });
  socket.disconnect();
});
