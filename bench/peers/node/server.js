// The peer of the benchmarks on Node: what a team would write with Socket.IO for the events that are measured.
//
//   node server.js --port N --conversations FILE
//                  [--sqlite FILE --synchronous FULL|NORMAL | --postgresql FOLDER [--connections N] [--pipeline]] [--redis URL]
//
// FILE is a JSON object from conversation id to member ids; JWT_SECRET verifies the tokens. Without a database
// messages live in no store at all; with one each is committed before it is acknowledged. FOLDER holds PostgreSQL's
// socket. With --redis several servers tell each other, by Socket.IO's own adapter.
//
// Set up for speed as Socket.IO's pages "Performance tuning" and "Memory usage" advise: the native `bufferutil` is
// installed, permessage-deflate stays off, and the first HTTP request of a session is not kept.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import jwt from "jsonwebtoken";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { onPostgresql, onSqlite, withoutStore } from "./store.js";

const { values: options } = parseArgs({
  options: {
    port: { type: "string" },
    conversations: { type: "string" },
    sqlite: { type: "string" },
    synchronous: { type: "string", default: "FULL" },
    postgresql: { type: "string" },
    connections: { type: "string", default: "10" },
    pipeline: { type: "boolean", default: false },
    redis: { type: "string" },
  },
});

const conversationsOf = readMembership(options.conversations);
const insert = await openStore();
const lastSeq = new Map();

const http = createServer((request, response) => {
  response.writeHead(request.url === "/healthz" ? 200 : 404).end();
});
const io = new Server(http, { transports: ["websocket"], serveClient: false, adapter: await openAdapter() });

io.engine.on("connection", (rawSocket) => {
  rawSocket.request = null;
});

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

  socket.on("message:send", async ({ conversationId, content }, ack) => {
    const seq = (lastSeq.get(conversationId) ?? 0) + 1;
    lastSeq.set(conversationId, seq);
    const createdAt = new Date().toISOString();
    const id = await insert({ conversationId, seq, senderId: user.id, content, createdAt });
    const message = { id, conversationId, seq, type: "text", senderId: user.id, sender: user, content, createdAt };
    io.to(`conversation:${conversationId}`).emit("message:new", message);
    ack({ success: true, message });
  });
});

http.listen(Number(options.port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));

function openStore() {
  if (options.sqlite) return onSqlite(options.sqlite, options.synchronous);
  if (options.postgresql) return onPostgresql(options.postgresql, Number(options.connections), options.pipeline);
  return withoutStore();
}

async function openAdapter() {
  if (!options.redis) return undefined;
  const publisher = createClient({ url: options.redis });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return createAdapter(publisher, subscriber);
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
