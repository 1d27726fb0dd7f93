// What tests do as an application that signs the tokens of its users, and that shows them the chat in a frame.
import { createHmac } from "node:crypto";
import { url } from "./browser.mjs";

export const ORDER = "Order 17";

let secret;

// Has all tokens signed with this secret.
export function signWith(given) {
  secret = given;
}

// A token as an application signs it.
export function tokenOf(user, claims = {}, seconds = 600) {
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const head = encoded({ alg: "HS256", typ: "JWT" });
  const body = `${head}.${encoded({ sub: user, name: user, exp: now + seconds, ...claims })}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

export async function ask(method, path, token, body) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(`${url}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

export const writes = (user, conversationId, content) =>
  ask("POST", "messages", tokenOf(user), { conversationId, content });

export const frameOf = (page) => page.frameLocator("talkwire-chat iframe");
