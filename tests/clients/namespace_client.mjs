// The official Socket.IO client with its usual transports, in a namespace.
//
//   node namespace_client.mjs URL NAMESPACE TOKEN
//
// Says when it is in, and when it has changed from polling to a WebSocket, one line of JSON each; then it leaves.
import { io } from "socket.io-client";

const [url, namespace, token] = process.argv.slice(2);

function report(happened, details = {}) {
  console.log(JSON.stringify({ happened, ...details }));
}

const socket = io(url + namespace, { auth: { token }, reconnection: false });
const connected = new Promise((done) => socket.on("connect", done));
const upgraded = new Promise((done) => socket.io.engine.on("upgrade", done));

await connected;
report("connected", { namespace: socket.nsp });
await upgraded;
report("upgraded", { transport: socket.io.engine.transport.name });
socket.disconnect();
