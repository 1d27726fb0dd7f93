// Keeps a copy of all conversations in a JSON file, whatever is stopped or killed in between. Needs Node 18 or later.
//
// TALKWIRE_TOKEN=$(talkwire token backend --role service) node receiver.mjs http://localhost:3000 chat.json
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [url, file] = process.argv.slice(2);
const headers = { authorization: `Bearer ${process.env.TALKWIRE_TOKEN}` };
let copy = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { cursor: "start", conversations: {} };

const left = ({ id, seq, senderId, createdAt }) => ({ id, seq, senderId, createdAt }); // of a deleted message
const about = (chat, data) => (chat.about = { ...data, members: undefined });
const changes = {
  "conversation:new": about,
  "conversation:updated": about,
  "member:updated": ({ members }, { userId, role }) => (members[userId].role = role),
  "member:removed": ({ members }, { userId }) => delete members[userId],
  "message:read:receipt": ({ members }, { userId, seq }) => (members[userId].readSeq = seq),
  "message:new": ({ messages }, data) => (messages[data.id] = data),
  "message:updated": ({ messages }, data) => (messages[data.id] = data),
  "message:reaction": ({ messages }, { messageId, reactions }) => (messages[messageId].reactions = reactions),
  "message:deleted": ({ messages }, { messageId, deletedAt }) =>
    (messages[messageId] = { ...left(messages[messageId]), deletedAt }),
};

function apply({ type, conversationId, data }) {
  if (type === "conversation:new") copy.conversations[conversationId] = { members: {}, messages: {} };
  changes[type]?.(copy.conversations[conversationId], data);
  for (const member of data.members ?? []) copy.conversations[conversationId].members[member.userId] = member;
  if (type === "conversation:deleted") delete copy.conversations[conversationId];
}

for (;;) {
  try {
    const answer = await fetch(`${url}/api/v1/events?after=${copy.cursor}&wait=30`, { headers });
    const { items = [], cursor, error } = await answer.json();
    items.forEach(apply);
    if (answer.ok) copy.cursor = cursor;
    else if (answer.status !== 410) throw new Error(error.message);
    else copy = { cursor: error.details.oldest, conversations: {} }; // another log, or events are missing: begin again
    writeFileSync(`${file}.new`, JSON.stringify(copy), { flush: true });
    renameSync(`${file}.new`, file); // one step: the cursor is as new as the rest of the file, also after a crash
  } catch (error) {
    console.error(error.message);
    await sleep(1000);
  }
}
