// Keeps a copy of all conversations in a JSON file, whatever is stopped or killed in between. Needs Node 18 or later.
//
// TALKWIRE_TOKEN=$(talkwire token backend --role service) node receiver.mjs http://localhost:3000 chat.json
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [url, file] = process.argv.slice(2);
const headers = { authorization: `Bearer ${process.env.TALKWIRE_TOKEN}` };
let copy = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { cursor: "start", conversations: {} };

function apply({ type, conversationId, data }) {
  if (type === "conversation:new") copy.conversations[conversationId] = { members: {}, messages: {} };
  const chat = copy.conversations[conversationId];
  if (type === "conversation:new" || type === "conversation:updated") chat.about = { ...data, members: undefined };
  if (type === "conversation:deleted") delete copy.conversations[conversationId];
  if (type === "conversation:new" || type === "member:added")
    for (const member of data.members) chat.members[member.userId] = member;
  if (type === "member:updated") chat.members[data.userId].role = data.role;
  if (type === "member:removed") delete chat.members[data.userId];
  if (type === "message:read:receipt") chat.members[data.userId].readSeq = data.seq;
  if (type === "message:new" || type === "message:updated") chat.messages[data.id] = data;
  if (type === "message:deleted") {
    // Its place, its sender and its time remain.
    const { id, seq, senderId, createdAt } = chat.messages[data.messageId];
    chat.messages[data.messageId] = { id, seq, senderId, createdAt, deletedAt: data.deletedAt };
  }
  if (type === "message:reaction") chat.messages[data.messageId].reactions = data.reactions;
}

function save() {
  // One step: the cursor is as new as the rest of the file, also after a crash.
  writeFileSync(`${file}.new`, JSON.stringify(copy), { flush: true });
  renameSync(`${file}.new`, file);
}

for (;;) {
  try {
    const answer = await fetch(`${url}/api/v1/events?after=${copy.cursor}&wait=30`, { headers });
    const page = await answer.json();
    // Another log, or one that no longer has these events: begin again.
    if (answer.status === 410) copy = { cursor: page.error.details.oldest, conversations: {} };
    else if (!answer.ok) throw new Error(page.error.message);
    else {
      page.items.forEach(apply);
      copy.cursor = page.cursor;
    }
    save();
  } catch (error) {
    console.error(error.message);
    await sleep(1000);
  }
}
