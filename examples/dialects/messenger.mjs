// A client of the messenger dialect, which is Talkwire's own, at /: npm install socket.io-client, then
//
//   node messenger.mjs http://127.0.0.1:3000 TOKEN [CONVERSATION]
//
// Sends each kind of event once, by socket and over REST, and prints the events that it receives until it is stopped.
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:3000", token, conversationId = "general"] = process.argv.slice(2);
const socket = io(url, { auth: { token } });

const show = (name, value) => console.log(name, JSON.stringify(value));
const ask = (name, payload) =>
  new Promise((done) => socket.emit(name, payload, (answer) => (show(`${name} ->`, answer), done(answer))));

// A socket receives the events of all conversations of its user, its own included. This client prints them all.
for (const name of [
  "message:new", "message:updated", "message:deleted", "message:reaction", "message:reaction:new",
  "message:read:receipt", "message:delivered:receipt", "typing:user", "presence:update", "notification", "error",
]) socket.on(name, (payload) => show(name, payload));
socket.on("connect_error", (error) => show("connect_error", { message: error.message, ...error.data }));
socket.on("session:ending", ({ reason }) => show("session:ending", { reason }));

// Marks the messages of others as read; a client would play a sound here.
socket.on("message:new", ({ senderId, id }) => {
  if (senderId !== me) socket.emit("message:read", { conversationId, messageId: id });
});

let me = null;
socket.once("connected", async (welcome) => {
  show("connected", welcome);
  me = welcome.userId;
  await ask("conversation:join", { conversationId }); // only after conversation:leave is there need to
  await ask("typing:start", { conversationId });
  await ask("typing:stop", { conversationId });
  const clientMessageId = crypto.randomUUID(); // the same id again would be answered with the same message
  const { message } = await ask("message:send", { conversationId, content: "Hello by socket", clientMessageId });
  await ask("message:edit", { messageId: message.id, content: "Hello again" });
  await ask("message:react", { messageId: message.id, emoji: "👋" });

  // A change over REST reaches all sockets, exactly like a change by socket.
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ conversationId, content: "Hello over REST" });
  const sent = await (await fetch(new URL("/messages", url), { method: "POST", headers, body })).json();
  await fetch(new URL(`/messages/${sent.id}`, url), { method: "DELETE", headers });
});
