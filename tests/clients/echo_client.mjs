// The official Socket.IO client against an echo server.
//
//   node echo_client.mjs URL SCENARIO TRANSPORT[,TRANSPORT]
//
// Prints one line of JSON for each thing that happened; binary values are printed as "hex:0102".
import { Manager } from "socket.io-client";

const [url, scenario, transports] = process.argv.slice(2);
const DEADLINE_MS = 20_000;

function plain(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return "hex:" + Buffer.from(value).toString("hex");
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}

function report(happened, details = {}) {
  console.log(JSON.stringify({ happened, ...plain(details) }));
}

function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...values) => resolve(values)));
}

function newManager(options = {}) {
  return new Manager(url, { transports: transports.split(","), autoConnect: false, ...options });
}

// Sends a `message` event and returns the arguments of the next `message-back`.
function echo(socket, ...values) {
  const answer = once(socket, "message-back");
  socket.emit("message", ...values);
  return answer;
}

function acked(socket, ...values) {
  return new Promise((resolve) => {
    socket.emit("message-with-ack", ...values, (...answer) => resolve(answer));
  });
}

// What was in flight is lost with a connection, so there is nothing left to wait for.
function failUnlessAsked(reason, details) {
  if (reason === "io client disconnect") return;
  report("lost the connection", { reason, details: String(details?.description ?? "") });
  process.exit(1);
}

async function connected(socket) {
  const auth = once(socket, "auth");
  const connect = once(socket, "connect");
  socket.connect();
  await connect;
  return await auth;
}

const scenarios = {
  // Events and acks, before and (where there is one) after the upgrade.
  async exchange() {
    const manager = newManager();
    const socket = manager.socket("/", { auth: { token: "123", list: [1, null] } });
    const numbers = [];
    socket.on("message-back", (value) => typeof value === "number" && numbers.push(value));
    const upgrades = [];
    manager.once("open", () => {
      report("opened", { transport: manager.engine.transport.name });
      manager.engine.on("upgrade", (transport) => upgrades.push(transport.name));
    });

    const auth = await connected(socket);
    report("connected", { auth, has_id: typeof socket.id === "string" });
    socket.on("disconnect", failUnlessAsked);

    // Numbered events in flight through the upgrade.
    const willUpgrade = transports === "polling,websocket";
    let number = 0;
    do {
      await echo(socket, number++);
    } while (willUpgrade && upgrades.length === 0);
    for (let i = 0; i < 50; i++) socket.emit("message", number++);
    while (numbers.length < number) await once(socket, "message-back");
    report("counted", {
      in_order: numbers.every((value, index) => value === index),
      transport: manager.engine.transport.name,
      upgrades,
    });

    report("echoed text", { values: await echo(socket, 1, "2", { 3: [true, null], "\u20ac": "\u{1f600}" }) });
    report("echoed nothing", { values: await echo(socket) });
    report("echoed binary", {
      values: await echo(socket, Buffer.from([1, 2, 3]), new Uint8Array([4, 5]), new Uint8Array([6]).buffer),
    });
    report("echoed nested binary", {
      values: await echo(socket, { files: [{ name: "a", data: Buffer.from("a") }], empty: Buffer.alloc(0) }, "end"),
    });
    const large = "x".repeat(300_000);
    const [text, bytes] = await echo(socket, large, Buffer.alloc(300_000, 7));
    report("echoed much", { text: text === large, bytes: Buffer.alloc(300_000, 7).equals(bytes) });

    report("acked text", { values: await acked(socket, 1, "2", { 3: [false] }) });
    report("acked nothing", { values: await acked(socket) });
    report("acked binary", { values: await acked(socket, Buffer.from([1, 2]), { deep: [Buffer.from([3])] }) });
    report("acked promise", { value: await socket.timeout(5000).emitWithAck("message-with-ack", "hello") });
    report("acked many", {
      values: (await Promise.all([1, 2, 3, 4, 5].map((value) => acked(socket, value)))).flat(),
    });
    const refusal = await new Promise((resolve) => socket.timeout(100).emit("nobody-acks-this", resolve));
    report("ack timed out", { message: refusal.message });

    const disconnected = once(socket, "disconnect");
    socket.disconnect();
    report("disconnected", { reason: (await disconnected)[0] });
  },

  async namespaces() {
    const manager = newManager();
    const main = manager.socket("/");
    const custom = manager.socket("/custom", { auth: { token: "abc" } });
    const unknown = manager.socket("/unknown");
    const refused = once(unknown, "connect_error");
    const auths = await Promise.all([connected(main), connected(custom)]);
    main.on("disconnect", failUnlessAsked);
    report("connected", { auths: auths.flat(), same_id: main.id === custom.id });
    unknown.connect();
    const [error] = await refused;
    report("refused", { message: error.message, connected: unknown.connected });
    report("echoed", { values: await Promise.all([echo(main, "main"), echo(custom, "custom")]) });

    custom.disconnect();
    report("echoed after one left", { values: await echo(main, "main again") });
    report("connected again", { auth: await connected(custom) });
    report("echoed again", { values: await echo(custom, Buffer.from([9])) });
  },

  // Ends after the second connection; the test restarts the server in between.
  async reconnection() {
    const manager = newManager({ reconnectionDelay: 20, reconnectionDelayMax: 100, timeout: 2000 });
    const socket = manager.socket("/", { auth: { token: "123" } });
    const auth = await connected(socket);
    const first_id = socket.id;
    report("connected", { auth, echo: await echo(socket, "first") });

    const again = once(socket, "auth");
    const [reason] = await once(socket, "disconnect");
    const delayed = echo(socket, "sent while offline");
    report("disconnected", { reason });
    report("reconnected", {
      auth: await again,
      echo: await delayed,
      new_id: socket.id !== first_id,
      transport: manager.engine.transport.name,
    });
  },
};

setTimeout(() => {
  report("gave up", { deadline_ms: DEADLINE_MS });
  process.exit(1);
}, DEADLINE_MS).unref();
await scenarios[scenario]();
report("done");
process.exit(0);
