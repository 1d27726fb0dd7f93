// The peer of the benchmarks on Bun: the chat of ../node/server.js on Socket.IO's own engine for Bun, whose HTTP server
// and WebSockets are those of µWebSockets.
//
//   bun server.js --port N --conversations FILE [--sqlite FILE --synchronous FULL|NORMAL]
//
// The options are those of ../node/server.js; SQLite is the one that Bun has built in.

import { Database } from "bun:sqlite";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Server as Engine } from "@socket.io/bun-engine";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";

const { values: options } = parseArgs({
  options: {
    port: { type: "string" },
    conversations: { type: "string" },
    sqlite: { type: "string" },
    synchronous: { type: "string", default: "FULL" },
  },
});

const conversationsOf = readMembership(options.conversations);
const insert = options.sqlite ? onSqlite(options.sqlite, options.synchronous) : withoutStore();
const lastSeq = new Map();

const io = new Server();
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);

io.use((socket, next) => {
  try {
    const claims = jwt.verify(socket.handshake.auth.token, process.env.JWT_SECRET, { algorithms: ["HS256"] });
    socket.data.user = { id: claims.sub, name: claims.name };
    next();
  } catch {
    next(new Error("Authentication failed"));
  }
});

io.on("connection", (socket) => {
  const { user } = socket.data;
  socket.join(`user:${user.id}`);
  for (const id of conversationsOf.get(user.id) ?? []) socket.join(`conversation:${id}`);

  socket.on("message:send", ({ conversationId, content }, ack) => {
    const seq = (lastSeq.get(conversationId) ?? 0) + 1;
    lastSeq.set(conversationId, seq);
    const createdAt = new Date().toISOString();
    const id = insert({ conversationId, seq, senderId: user.id, content, createdAt });
    const message = { id, conversationId, seq, type: "text", senderId: user.id, sender: user, content, createdAt };
    io.to(`conversation:${conversationId}`).emit("message:new", message);
    ack({ success: true, message });
  });
});

Bun.serve({
  ...engine.handler(),
  port: Number(options.port),
  hostname: "127.0.0.1",
  idleTimeout: 60, // seconds: longer than the ping interval, as the engine asks for
  fetch: (request, server) =>
    request.url.endsWith("/healthz") ? new Response() : engine.handleRequest(request, server),
});
process.on("SIGTERM", () => process.exit(0));

function withoutStore() {
  let last = 0;
  return () => String(++last);
}

// One transaction a message, as in ../node/store.js.
function onSqlite(path, synchronous) {
  const database = new Database(path, { strict: true });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = ${synchronous}`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS messages (
      id INTEGER PRIMARY KEY,
      conversation_id TEXT NOT NULL,
      seq INTEGER NOT NULL,
      sender_id TEXT NOT NULL,
      content TEXT NOT NULL,
      created_at TEXT NOT NULL,
      UNIQUE (conversation_id, seq)
    )`);
  const statement = database.prepare(
    `INSERT INTO messages (conversation_id, seq, sender_id, content, created_at)
     VALUES (@conversationId, @seq, @senderId, @content, @createdAt)`,
  );
  return (message) => String(statement.run(message).lastInsertRowid);
}

function readMembership(path) {
  const byUser = new Map();
  for (const [id, members] of Object.entries(JSON.parse(readFileSync(path, "utf8")))) {
    for (const member of members) {
      if (!byUser.has(member)) byUser.set(member, []);
      byUser.get(member).push(id);
    }
  }
  return byUser;
}
