// A client of the gateway dialect: npm install socket.io-client, then
//
//   node gateway.mjs http://127.0.0.1:3000/gateway TOKEN [CONVERSATION]
//
// or without /gateway, where the server was started with --dialect gateway. It sends an event to
// the server and, if a conversation is named, to its members; then it prints the events that it receives.
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:3000/gateway", token, conversationId] = process.argv.slice(2);
const socket = io(url, { auth: { token } });
const byHeader = io(url, { extraHeaders: { Authorization: `Bearer ${token}` }, forceNew: true });

const show = (name, value) => console.log(name, JSON.stringify(value));

socket.on("connected", (welcome) => {
  show("connected", welcome);
  socket.emit("message", { message: "Hello, server", data: { page: 7 } });
  if (conversationId) socket.emit("message", { message: "Hello, everybody", conversationId });
});
byHeader.on("connected", ({ userId }) => {
  show("connected by header", { userId });
  byHeader.close();
});

// A backend chooses the names of its events (gateway-backend.mjs), so a client may listen to any name.
// A client without a valid token receives `error` before it is disconnected.
socket.onAny((name, payload) => {
  if (name !== "connected") show(name, payload);
});
socket.on("disconnect", (reason) => show("disconnect", { reason }));
