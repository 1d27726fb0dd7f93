// The peer of the benchmarks on Bun: the chat of ../node/server.js on Socket.IO's own engine for Bun, whose HTTP server
// and WebSockets are those of µWebSockets.
//
//   bun server.js --port N --conversations FILE [--sqlite FILE --synchronous FULL|NORMAL]
//
// The options are those of ../node/server.js; SQLite is the one that Bun has built in.

import { Database } from "bun:sqlite";
import { parseArgs } from "node:util";
import { Server as Engine } from "@socket.io/bun-engine";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";
import { CREATE_TABLE, INSERT_MESSAGE, serveChat, withoutStore } from "../chat.mjs";

const { values: options } = parseArgs({
  options: {
    port: { type: "string" },
    conversations: { type: "string" },
    sqlite: { type: "string" },
    synchronous: { type: "string", default: "FULL" },
  },
});

const io = new Server();
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);

const verify = (token) => jwt.verify(token, process.env.JWT_SECRET, { algorithms: ["HS256"] });
serveChat(io, verify, options.sqlite ? onSqlite() : withoutStore(), options.conversations);

Bun.serve({
  ...engine.handler(),
  port: Number(options.port),
  hostname: "127.0.0.1",
  idleTimeout: 60, // seconds: longer than the ping interval, as the engine asks for
  fetch: (request, server) =>
    request.url.endsWith("/healthz") ? new Response() : engine.handleRequest(request, server),
});
process.on("SIGTERM", () => process.exit(0));

// One transaction a message, as in ../node/store.js.
function onSqlite() {
  const database = new Database(options.sqlite, { strict: true });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${options.synchronous}`);
  database.exec(CREATE_TABLE);
  const statement = database.prepare(INSERT_MESSAGE);
  return (message) => String(statement.run(message).lastInsertRowid);
}
