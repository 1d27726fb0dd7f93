// A client of the talks dialect: npm install socket.io-client, then
//
//   node talks.mjs http://127.0.0.1:3000/talks TOKEN [CONVERSATION]
//
// or without /talks, where the server was started with --dialect talks. It joins a conversation, sends each kind of
// event once and prints the events that it receives until it is stopped. It accepts every offer.
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:3000/talks", token, conversationId = "talk-123"] = process.argv.slice(2);
const socket = io(url, { auth: { token } });

const show = (name, value) => console.log(name, JSON.stringify(value));
const ask = (name, payload) =>
  new Promise((done) => socket.emit(name, payload, (answer) => (show(`${name} ->`, answer), done(answer))));

// `new-message` and `new-offer` are for conversations that this socket has not joined.
for (const name of [
  "message", "new-message", "typing", "read", "user-joined", "user-left", "message-updated", "message-deleted",
  "reaction", "delivered", "user-online", "user-offline", "offer-created", "offer-update", "offer-accepted",
  "new-offer", "exception",
]) socket.on(name, (payload) => show(name, payload));
socket.on("connect_error", (error) => show("connect_error", { message: error.message, ...error.data }));

let me = null;
socket.on("message", ({ userId }) => {
  if (userId !== me) socket.emit("read", { conversationId });
});
socket.on("offer-created", ({ offerId, offer }) => {
  if (offer.authorId !== me) socket.emit("offer-update", { conversationId, offerId, status: "accepted" });
});

// A reconnect makes a new socket, which has to join again.
socket.on("connected", async (welcome) => {
  show("connected", welcome);
  me = welcome.userId;
  await ask("join-conversation", { conversationId });
  await ask("typing", { conversationId, isTyping: true });
  await ask("message", { conversationId, content: "Hello by socket", attachments: ["https://example.com/plan.pdf"] });
  await ask("typing", { conversationId, isTyping: false });
  await ask("read", { conversationId });

  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ content: "Hello over REST" });
  await fetch(new URL(`/api/v1/talks/${conversationId}/message`, url), { method: "POST", headers, body });
});

process.on("SIGINT", async () => {
  await ask("leave-conversation", { conversationId });
  socket.disconnect();
});
