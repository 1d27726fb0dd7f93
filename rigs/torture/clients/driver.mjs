// Drives many sockets of the official Socket.IO client. Orders come as JSON lines, and so does what the sockets hear.
//
//   node driver.mjs LIBRARY        socket.io-client, or another version of it
//
//   {do: "open", id, url, transports, auth}    a socket, which comes back by itself
//   {do: "emit", id, call, event, payload, timeoutMs}
//   {do: "drop", id}       its connection breaks
//   {do: "close", id}      it leaves of its own accord
//
// Answers: {id, what: "connect" | "disconnect" | "refused" | "event" | "answer" | "silence" | "closed", …}
import { createInterface } from "node:readline";

const { io } = await import(new URL(`../../../tests/clients/node_modules/${process.argv[2]}/build/esm/index.js`, import.meta.url));
const sockets = new Map();

function say(id, what, further = {}) {
  process.stdout.write(JSON.stringify({ id, what, ...further }) + "\n");
}

function open({ id, url, transports, auth }) {
  // A manager each: sockets of several users must not share a connection.
  const socket = io(url, { transports, auth, forceNew: true, reconnectionDelay: 200, reconnectionDelayMax: 1500, timeout: 8000 });
  sockets.set(id, socket);
  let mayReturn = true;
  socket.on("connect", () => say(id, "connect", { socketId: socket.id, recovered: socket.recovered === true }));
  socket.on("disconnect", (reason) => {
    say(id, "disconnect", { reason });
    // The client leaves it to the application to come back when the server has ended the socket.
    if (reason === "io server disconnect" && mayReturn) setTimeout(() => sockets.has(id) && socket.connect(), 300);
  });
  socket.on("connect_error", (error) => {
    say(id, "refused", { message: String(error.message), data: error.data });
    if (!socket.active) setTimeout(() => sockets.has(id) && socket.connect(), 500);
  });
  socket.onAny((name, ...args) => {
    if ((name === "session:ending" || name === "session-ending" || name === "sessionEnding") && args[0]?.reconnect === false)
      mayReturn = false;
    say(id, "event", { name, args });
  });
}

async function emit({ id, call, event, payload, timeoutMs }) {
  const socket = sockets.get(id);
  if (!socket?.connected) return say(id, "silence", { call });
  socket.timeout(timeoutMs).emit(event, payload, (error, answer) => {
    if (error) say(id, "silence", { call });
    else say(id, "answer", { call, answer });
  });
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    if (order.do === "open") open(order);
    else if (order.do === "emit") emit(order);
    else if (order.do === "drop") sockets.get(order.id)?.io.engine?.close();
    else if (order.do === "close") {
      const socket = sockets.get(order.id);
      sockets.delete(order.id);
      socket?.disconnect();
      say(order.id, "closed");
    }
  })
  .on("close", () => process.exit(0));
