// Rebuilds all conversations from webhooks, without a library. SECRET=whsec_… node receiver.mjs 8000
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.SECRET.replace("whsec_", ""), "base64");
const seen = new Set();
const names = {};
const conversations = {};

const setMessage = ({ id, content }, messages) => {
  if (content === undefined) delete messages[id]; // it has been deleted since
  else messages[id] = content;
};
const changes = {
  "message:new": setMessage,
  "message:updated": setMessage,
  "message:deleted": ({ messageId }, messages) => delete messages[messageId],
  "conversation:deleted": ({ conversationId }) => delete conversations[conversationId],
  "user:created": ({ id, name }) => (names[id] = name),
  "user:updated": ({ id, name }) => (names[id] = name),
  "user:erased": ({ userId }) => (names[userId] = "Deleted user"), // events of the user's messages follow
};

createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures = "" } = request.headers;
  const expected = Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64"));
  const isSigned = signatures.split(" ").some((given) => given.length === expected.length && timingSafeEqual(Buffer.from(given), expected));
  if (!isSigned || Math.abs(Date.now() / 1000 - at) > 300) return response.writeHead(401).end();
  const { type, conversationId, data } = JSON.parse(body);
  if (!seen.has(id)) changes[type]?.(data, conversationId && (conversations[conversationId] ??= {}));
  seen.add(id); // store it in one transaction with what the event changes
  console.log(JSON.stringify({ names, conversations }));
  response.writeHead(204).end();
}).listen(Number(process.argv[2]), "127.0.0.1");
