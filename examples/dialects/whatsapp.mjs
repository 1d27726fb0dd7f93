// A client of the whatsapp dialect, at /messages: npm install socket.io-client, then
//
//   node whatsapp.mjs http://127.0.0.1:3000 [TOKEN] [CONVERSATION] [USER]
//
// Without a token (or with "") it only names its user, which only a development server accepts (--demo). It joins a
// conversation, types, sends a message over REST and one by socket, and prints the events that it receives until it is
// stopped.
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:3000", token, conversationId = "conv-456", userId = "user-123"] = process.argv.slice(2);
const socket = io(`${url}/messages`, token ? { auth: { token } } : { query: { userId } });

const show = (name, value) => console.log(name, JSON.stringify(value));
const ask = (name, payload) =>
  new Promise((done) => socket.emit(name, payload, (answer) => (show(`${name} ->`, answer), done(answer))));

for (const name of [
  "message:received", "message:status", "message:updated", "message:deleted", "message:reaction", "typing:start",
  "typing:stop", "user:online", "user:offline", "error",
]) socket.on(name, (payload) => show(name, payload));
socket.on("connect_error", (error) => show("connect_error", { message: error.message, ...error.data }));

// The two ticks of a message: this client has received it, and has read it.
socket.on("message:received", ({ id, senderId }) => {
  if (senderId === userId) return;
  socket.emit("message:delivered", { conversationId, messageId: id });
  socket.emit("message:read", { conversationId });
});

socket.on("connect", async () => {
  show("connect", { id: socket.id });
  await ask("conversation:join", { conversationId });
  await ask("typing:start", { conversationId, userId, isTyping: true });
  await ask("typing:stop", { conversationId, userId, isTyping: false });

  const path = `/api/v1/whatsapp/messages${token ? "" : `?userId=${userId}`}`;
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const body = JSON.stringify({ conversationId, type: "text", content: { text: "Hello over REST" } });
  const answer = await fetch(new URL(path, url), { method: "POST", headers, body });
  show(`POST ${path} ->`, await answer.json());

  await ask("message:send", { conversationId, content: { text: "Hello by socket" } });
});

process.on("SIGINT", async () => {
  await ask("conversation:leave", { conversationId });
  socket.disconnect();
});
