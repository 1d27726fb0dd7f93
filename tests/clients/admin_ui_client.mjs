// The official Socket.IO client in the namespace of the Admin UI, as its page uses it.
//
//   node admin_ui_client.mjs URL NAME PASSWORD TOKEN
//
// Prints one line of JSON: how it signed in, and what it received about another socket that came, spoke and left.
import { io } from "socket.io-client";

const [url, username, password, token] = process.argv.slice(2);

// Connects as the page does; resolves to the socket, or to the message of the refusal.
function connect(auth, options = {}) {
  const socket = io(`${url}/admin`, { auth, forceNew: true, reconnection: false, ...options });
  // What follows the connect may come in the same packet, before anyone who waits for the socket has it.
  socket.received = [];
  socket.onAny((...event) => socket.received.push(event));
  return new Promise((done) => {
    socket.once("connect", () => done(socket));
    socket.once("connect_error", (error) => done(error.message));
  });
}

// Resolves to the arguments of the first event of this name that is wanted, even if it has come already.
function next(socket, name, wanted = () => true) {
  const event = socket.received.find(([other, ...args]) => other === name && wanted(...args));
  if (event) return Promise.resolve(event.slice(1));
  return new Promise((done) => socket.on(name, (...args) => wanted(...args) && done(args)));
}

const refused = await connect({ username, password: `${password}!` });
const page = await connect({ username, password });
const [[session], [config]] = await Promise.all([next(page, "session"), next(page, "config")]);
const again = await connect({ sessionId: session }, { transports: ["polling"] });
const [[sockets], [stats]] = await Promise.all([next(again, "all_sockets"), next(again, "server_stats")]);

const chat = io(url, { auth: { token }, forceNew: true, reconnection: false });
await new Promise((done) => chat.once("connect", done));
const { id } = chat;
const isOfChat = (nsp, other) => nsp === "/" && other === id;
const [came] = await next(page, "socket_connected", (socket) => socket.id === id);
chat.emit("no such event", "secret");
const [received, sent] = await Promise.all([
  next(page, "event_received", isOfChat),
  next(page, "event_sent", (nsp, other, [name]) => isOfChat(nsp, other) && name === "error"),
]);
const gone = next(page, "socket_disconnected", isOfChat);
chat.disconnect();

console.log(
  JSON.stringify({
    refused,
    features: config.supportedFeatures.sort(),
    seesItself: sockets.some((socket) => socket.nsp === "/admin" && socket.id === page.id),
    namespaces: stats.namespaces.map((namespace) => namespace.name),
    came: { ...came.data, transport: came.transport },
    received: received[2],
    sent: sent[2],
    gone: (await gone)[2],
  }),
);
page.disconnect();
again.disconnect();
