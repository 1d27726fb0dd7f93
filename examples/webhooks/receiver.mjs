// Rebuilds all conversations from webhooks, without a library. SECRET=whsec_… node receiver.mjs 8000
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.SECRET.replace("whsec_", ""), "base64");
const seen = new Set();
const messages = {};

createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures = "" } = request.headers;
  const expected = Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64"));
  const isSigned = signatures.split(" ").some((given) => given.length === expected.length && timingSafeEqual(Buffer.from(given), expected));
  if (!isSigned || Math.abs(Date.now() / 1000 - at) > 300) return response.writeHead(401).end();
  const event = JSON.parse(body);
  if (!seen.has(id) && ["message:new", "message:updated"].includes(event.type))
    (messages[event.conversationId] ??= {})[event.data.id] = event.data.content;
  seen.add(id); // store it in one transaction with what the event changes
  console.log(JSON.stringify(messages));
  response.writeHead(204).end();
}).listen(Number(process.argv[2]), "127.0.0.1");
