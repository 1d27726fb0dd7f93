// The official Socket.IO client with connection state recovery.
//
//   node recovery_client.mjs URL NAMESPACE TRANSPORT[,TRANSPORT] TOKEN
//
// Reports, one line of JSON each, what it hears and when it is connected; takes orders, one line each:
//   cut          the connection breaks, and it comes back by itself
//   disconnect   it leaves of its own accord
//   connect      it comes back after that
//   ["event", payload]   it sends that, and reports the acknowledgement
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, namespace, transports, token] = process.argv.slice(2);

function report(happened, details = {}) {
  console.log(JSON.stringify({ happened, ...details }));
}

const socket = io(url + namespace, {
  transports: transports.split(","),
  auth: { token, recovery: true },
  reconnectionDelay: 30,
  reconnectionDelayMax: 100,
});

socket.on("connect", () => report("connect", { id: socket.id, recovered: socket.recovered === true }));
socket.on("disconnect", (reason) => report("disconnect", { reason }));
socket.onAny((event, payload) => {
  const content = payload?.content?.text ?? payload?.content;
  if (content !== undefined) report("received", { event, content });
});

createInterface({ input: process.stdin }).on("line", async (line) => {
  if (line === "cut") socket.io.engine.close();
  else if (line === "disconnect") socket.disconnect();
  else if (line === "connect") socket.connect();
  else report("answered", { answer: await socket.timeout(10_000).emitWithAck(...JSON.parse(line)) });
}).on("close", () => process.exit(0));
