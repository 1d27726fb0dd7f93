// The peer of the benchmarks on Node: what a team would write with Socket.IO for the events that are measured.
//
//   node server.js --port N --conversations FILE
//                  [--sqlite FILE --synchronous FULL|NORMAL |
//                   --postgresql FOLDER --postgresql-port N [--connections N] [--pipeline]] [--redis URL]
//
// FILE is a JSON object from conversation id to member ids; JWT_SECRET verifies the tokens. Without a database
// messages live in no store at all; with one each is committed before it is acknowledged. FOLDER holds PostgreSQL's
// socket. With --redis several servers tell each other, by Socket.IO's own adapter.
//
// Set up for speed as Socket.IO's pages "Performance tuning" and "Memory usage" advise: the native `bufferutil` is
// installed, permessage-deflate stays off, and the first HTTP request of a session is not kept.

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import jwt from "jsonwebtoken";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { serveChat, withoutStore } from "../chat.mjs";
import { onPostgresql, onSqlite } from "./store.js";

const { values: options } = parseArgs({
  options: {
    port: { type: "string" },
    conversations: { type: "string" },
    sqlite: { type: "string" },
    synchronous: { type: "string", default: "FULL" },
    postgresql: { type: "string" },
    "postgresql-port": { type: "string" },
    connections: { type: "string", default: "10" },
    pipeline: { type: "boolean", default: false },
    redis: { type: "string" },
  },
});

const http = createServer((request, response) => {
  response.writeHead(request.url === "/healthz" ? 200 : 404).end();
});
const io = new Server(http, { transports: ["websocket"], serveClient: false, adapter: await openAdapter() });

io.engine.on("connection", (rawSocket) => {
  rawSocket.request = null;
});

const verify = (token) => jwt.verify(token, process.env.JWT_SECRET, { algorithms: ["HS256"] });
serveChat(io, verify, await openStore(), options.conversations);
http.listen(Number(options.port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));

function openStore() {
  if (options.sqlite) return onSqlite(options.sqlite, options.synchronous);
  if (options.postgresql) {
    const port = Number(options["postgresql-port"]);
    return onPostgresql(options.postgresql, port, Number(options.connections), options.pipeline);
  }
  return withoutStore();
}

async function openAdapter() {
  if (!options.redis) return undefined;
  const publisher = createClient({ url: options.redis });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return createAdapter(publisher, subscriber);
}
