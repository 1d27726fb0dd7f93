// What the peers on Node and on Bun have in common: the chat itself, on a Socket.IO server. It imports no package, since
// each peer has its own.

import { readFileSync } from "node:fs";

export const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    sender_id TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (conversation_id, seq)
  )`;

export const INSERT_MESSAGE = `
  INSERT INTO messages (conversation_id, seq, sender_id, content, created_at)
  VALUES (@conversationId, @seq, @senderId, @content, @createdAt)`;

export function withoutStore() {
  let last = 0;
  return () => String(++last);
}

// Lets users sign in and send messages. `verify` returns the claims of a token or throws; `insert` stores a message and
// returns its id, or promises it; `membershipFile` is a JSON object from conversation id to member ids.
export function serveChat(io, verify, insert, membershipFile) {
  const conversationsOf = readMembership(membershipFile);
  const lastSeq = new Map();

  io.use((socket, next) => {
    try {
      const claims = verify(socket.handshake.auth.token);
      socket.data.user = { id: claims.sub, name: claims.name };
      next();
    } catch {
      next(new Error("Authentication failed"));
    }
  });

  const streams = new Map(); // the conversation of each message that is written while others read it

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

    // Streams are forwarded, and not stored.
    socket.on("message:stream", ({ conversationId }, ack) => {
      const id = `stream-${streams.size}`;
      streams.set(id, conversationId);
      ack({ success: true, message: { id }, attempt: 1 });
    });

    socket.on("message:append", ({ messageId, part, text, at }, ack) => {
      const conversationId = streams.get(messageId);
      io.to(`conversation:${conversationId}`).emit("message:delta", { messageId, conversationId, part, at, text });
      ack({ success: true, length: at + text.length, stored: 0 });
    });
  });
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
