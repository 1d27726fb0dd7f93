// Keeps a copy of all conversations in a JSON file, whatever is stopped or killed in between. Needs Node 18 or later.
//
// JWT_SECRET=… node receiver.mjs http://localhost:3000 chat.json
import { createHmac } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [url, file] = process.argv.slice(2);
const nothing = { users: {}, conversations: {} };
let copy = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { cursor: "start", ...structuredClone(nothing) };

const about = (chat, data) => (chat.about = { ...data, members: undefined });
// Names, and texts that a message quotes, have places of their own.
const put = ({ messages }, { sender, thread, replyTo, ...data }) => (messages[data.id] = { ...data, quotes: replyTo?.id });
const left = ({ id, seq, senderId, createdAt }) => ({ id, seq, senderId, createdAt }); // of a deleted message
const setUser = (_, data) => (copy.users[data.id] = data);
const changes = {
  "conversation:new": about,
  "conversation:updated": about,
  "member:updated": ({ members }, { userId, role }) => (members[userId].role = role),
  "member:removed": ({ members }, { userId }) => delete members[userId],
  "message:read:receipt": ({ members }, { userId, seq }) => (members[userId].readSeq = seq),
  "message:new": put,
  "message:updated": put,
  "message:reaction": ({ messages }, { messageId, reactions }) => (messages[messageId].reactions = reactions),
  "message:pinned": ({ messages }, { messageId }) => (messages[messageId].pinned = true),
  "message:unpinned": ({ messages }, { messageId }) => (messages[messageId].pinned = false),
  "message:deleted": ({ messages }, { messageId, deletedAt }) =>
    (messages[messageId] = { ...left(messages[messageId]), deletedAt }),
  "user:created": setUser,
  "user:updated": setUser,
  // With `redact`, "message:deleted" follows for each message.
  "user:erased": (_, { userId }) => (copy.users[userId] = { id: userId, name: "Deleted user" }),
};

function apply({ type, conversationId, data }) {
  if (type === "conversation:new") copy.conversations[conversationId] = { members: {}, messages: {} };
  changes[type]?.(copy.conversations[conversationId], data);
  for (const member of data.members ?? []) copy.conversations[conversationId].members[member.userId] = member;
  if (type === "conversation:deleted") delete copy.conversations[conversationId];
}

function token() {
  const claims = { sub: "backend", role: "service", exp: Math.floor(Date.now() / 1000) + 60 };
  const signed = [{ alg: "HS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${signed}.${createHmac("sha256", process.env.JWT_SECRET).update(signed).digest("base64url")}`;
}

for (;;) {
  try {
    const answer = await fetch(`${url}/api/v1/events?after=${copy.cursor}&wait=30`, { headers: { authorization: `Bearer ${token()}` } });
    const { items = [], cursor, error } = await answer.json();
    if (answer.status === 401 || answer.status === 403) {
      console.error(error.message); // waiting does not help
      process.exit(1);
    }
    items.forEach(apply);
    if (answer.ok) copy.cursor = cursor;
    else if (answer.status !== 410) throw new Error(error.message);
    else copy = { cursor: error.details.oldest, ...structuredClone(nothing) }; // another log, or events are missing
    writeFileSync(`${file}.new`, JSON.stringify(copy), { flush: true });
    renameSync(`${file}.new`, file); // one step: the cursor is as new as the rest of the file, also after a crash
  } catch (error) {
    console.error(error.message);
    await sleep(1000);
  }
}
