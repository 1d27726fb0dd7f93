// An application's back end: signs its users in to the chat, serves a page, and answers messages as a user of its own.
//
//   TALKWIRE_URL=http://127.0.0.1:3000 JWT_SECRET=… node server.mjs PAGE-FOLDER
//
// `talkwire serve` needs the same JWT_SECRET, and `--origins http://127.0.0.1:8080`, the address of this page.
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Talkwire } from "@talkwire/client";

const { TALKWIRE_URL = "http://127.0.0.1:3000", JWT_SECRET, PORT = "8080" } = process.env;
const folder = process.argv[2] ?? ".";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** Returns a token with which a user, or this back end itself, signs in to the chat for a minute. */
function chatToken(claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const content = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ ...claims, iat: now, exp: now + 60 })}`;
  return `${content}.${createHmac("sha256", JWT_SECRET).update(content).digest("base64url")}`;
}

const bot = new Talkwire({ url: TALKWIRE_URL, token: () => chatToken({ sub: "bot", name: "Bot" }) });
bot.on("message", async ({ conversationId, senderId, content }) => {
  if (senderId !== bot.me.id) await bot.conversation(conversationId).send(`You said: ${content}`);
});
await bot.connect();

// The chat has to know the page's visitor before somebody else can talk to them.
await fetch(new URL("/api/v1/users/visitor", TALKWIRE_URL), {
  method: "PUT",
  headers: {
    authorization: `Bearer ${chatToken({ sub: "back-end", role: "service" })}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ name: "Visitor" }),
});

/** The conversation of the page's visitor with the bot. */
const room = await bot.createConversation({ kind: "direct", memberIds: ["visitor"] });

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/chat-token") {
    // Your application knows its user by its own session.
    response.setHeader("cache-control", "no-store").end(chatToken({ sub: "visitor", name: "Visitor" }));
  } else if (pathname === "/chat.json") {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ url: TALKWIRE_URL, conversation: room.id }));
  } else {
    const name = pathname === "/" ? "index.html" : normalize(pathname).replace(/^(\.\.[/\\])+/, "");
    try {
      const content = await readFile(join(folder, name));
      response.setHeader("content-type", TYPES[extname(name)] ?? "application/octet-stream").end(content);
    } catch {
      response.writeHead(404).end();
    }
  }
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
