// One feature of Socket.IO, tried with one version of the official client against the echo server.
//
//   node feature_client.mjs LIBRARY URL FEATURE
//
// Prints one line of JSON: what came of it.
import { createRequire } from "node:module";

const [library, url, feature] = process.argv.slice(2);
const { Manager } = await import(library);

function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...values) => resolve(values)));
}

function manager(options) {
  return new Manager(url, { autoConnect: false, reconnection: false, ...options });
}

async function connected(options, namespace = "/", auth = {}) {
  const socket = manager(options).socket(namespace, { auth });
  const greeted = once(socket, "auth");
  const outcome = Promise.race([
    once(socket, "connect").then(() => null),
    once(socket, "connect_error").then(([error]) => error.message),
    once(socket, "disconnect").then(([reason]) => reason),
  ]);
  socket.connect();
  const failure = await outcome;
  return { socket, failure, auth: failure === null ? (await greeted)[0] : null };
}

function echo(socket, ...values) {
  return new Promise((resolve) => socket.emit("message-with-ack", ...values, (...answer) => resolve(answer)));
}

async function transport(options) {
  const { socket, failure } = await connected(options);
  if (failure !== null) return failure;
  const name = socket.io.engine.transport.name;
  await echo(socket, 1);
  return name;
}

// What a parser of another format does: all packets are binary.
const binaryParser = {
  Encoder: class {
    encode(packet) {
      return [Buffer.from(JSON.stringify(packet))];
    }
  },
  Decoder: class {
    on() {}
    off() {}
    add() {}
    destroy() {}
  },
};

const features = {
  polling: () => transport({ transports: ["polling"] }),
  websocket: () => transport({ transports: ["websocket"] }),
  async upgrade() {
    const { socket } = await connected({});
    if (socket.io.engine.transport.name === "polling") await once(socket.io.engine, "upgrade");
    return (await echo(socket, 1)) && socket.io.engine.transport.name;
  },
  async acknowledgements() {
    const { socket } = await connected({});
    return await echo(socket, "a", 2, { b: [null] });
  },
  async events() {
    const { socket } = await connected({});
    const back = once(socket, "message-back");
    socket.emit("message", "a", 2);
    return await back;
  },
  async binary() {
    const { socket } = await connected({ transports: ["polling"] });
    const [{ data }] = await echo(socket, { data: Buffer.from([1, 2, 3]) });
    return Buffer.from(data).toString("hex");
  },
  async namespaces() {
    const { socket } = await connected({}, "/custom");
    return [socket.nsp, await echo(socket, 1)];
  },
  auth: async () => (await connected({}, "/", { token: "t" })).auth,
  protocols: () => transport({ transports: ["websocket"], protocols: ["chat", "other"] }),
  async manyPackets() {
    const { socket } = await connected({ transports: ["polling"] });
    let polls = 0;
    const numbers = Array.from({ length: 500 }, (_, number) => number);
    socket.io.engine.transport.on("pollComplete", () => polls++);
    const answers = await Promise.all(numbers.map((number) => echo(socket, number)));
    return [answers.every(([value], number) => value === number), polls < 500 / 16];
  },
  revision3: async () => (await (await fetch(`${url}/socket.io/?EIO=3&transport=polling`)).json()).code,
  async parsers() {
    const { socket, failure } = await connected({ parser: binaryParser, transports: ["websocket"] });
    return failure ?? socket.connected;
  },
  async webtransport() {
    const open = await (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).text();
    return JSON.parse(open.slice(1)).upgrades;
  },
  async compression() {
    const { WebSocket } = createRequire(import.meta.url)("ws");
    const client = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    await once(client, "open");
    return client.extensions;
  },
  cookie: async () => (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).headers.get("set-cookie"),
};

console.log(JSON.stringify(await features[feature]()));
process.exit(0);
