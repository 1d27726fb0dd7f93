// The cards of @talkwire/client, as built, against a server, and receipts by the npm package jose.
//
//   node cards_client.mjs URL SECRET
//
// Takes orders, a JSON array each line, and reports the result of each, in one line of JSON:
//   ["open", id]          alice, bob and carol connect, carol through a proxy, and open a conversation
//   ["send", user, card]  a user sends a card; reports the message's id
//   ["do", user, name, ...]  a user does something with a card; reports the card, or the refusal
//   ["shown", id, part, users?]  waits until the message and the loaded card have these members for all three, or for some
//   ["text", id]          what each of them shows as the message's text
//   ["waiting", user, titles]  waits until exactly these cards wait for a user
//   ["verify", user, id]  fetches the receipt, and verifies it by the server's address and by its keys alone
//   ["forge", user, id]   reports how receipts are refused that somebody has forged
//   ["cut"] ["join"]      carol's network is gone, and is back
import { createHmac } from "node:crypto";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { createLocalJWKSet, createRemoteJWKSet, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { cardsOf } from "../../clients/javascript/client/dist/cards/index.js";
import { Talkwire } from "../../clients/javascript/client/dist/index.js";

const [url, secret] = process.argv.slice(2);
const DEADLINE_MS = 60_000;

// --- the network ------------------------------------------------------------------------------------------------------

const links = new Set();
let isCut = false;
const proxy = createServer((client) => {
  if (isCut) return client.destroy();
  const server = connect(Number(new URL(url).port), "127.0.0.1");
  for (const [one, other] of [[client, server], [server, client]]) {
    links.add(one);
    one.pipe(other);
    one.on("error", () => undefined).on("close", () => {
      links.delete(one);
      other.destroy();
    });
  }
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));

// --- the clients ------------------------------------------------------------------------------------------------------

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenFor(user) {
  const now = Math.floor(Date.now() / 1000);
  const content = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ sub: user, name: user, iat: now, exp: now + 3600 })}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}

const chatOf = (user, address = url) => new Talkwire({ url: address, token: async () => tokenFor(user) });
const chats = {
  alice: chatOf("alice"),
  bob: chatOf("bob"),
  carol: chatOf("carol", `http://127.0.0.1:${proxy.address().port}`),
};
let place;

async function until(isTrue, what) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`${what()} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const messageOf = (chat, id) => chat.conversation(place).messages.find((each) => each.id === id);
const pick = (card, part) => Object.fromEntries(Object.keys(part).map((name) => [name, card?.[name]]));

// --- receipts ---------------------------------------------------------------------------------------------------------

const WELL_KNOWN = new URL("/.well-known/talkwire-receipts.json", url);
const remote = createRemoteJWKSet(WELL_KNOWN);
const options = { algorithms: ["ES256"], issuer: url };

async function refusal(receipt, keys = remote, wanted = options) {
  try {
    await jwtVerify(receipt, keys, wanted);
    return "accepted";
  } catch ({ code, claim }) {
    return claim ? `${code} ${claim}` : code;
  }
}

const orders = {
  async open(id) {
    place = id;
    await Promise.all(Object.values(chats).map((chat) => chat.connect()));
    await Promise.all(Object.values(chats).map((chat) => chat.conversation(id).load()));
    for (const chat of Object.values(chats)) cardsOf(chat).loadWaiting();
    return {};
  },
  async send(user, card) {
    const { id } = await cardsOf(chats[user]).send(place, card);
    await until(() => Object.values(chats).every((chat) => messageOf(chat, id)), () => "the arrival");
    await Promise.all(Object.values(chats).map((chat) => cardsOf(chat).load(id)));
    return { id };
  },
  async do(user, name, ...values) {
    try {
      return { card: await cardsOf(chats[user])[name](...values) };
    } catch ({ code, details }) {
      return { refused: { code, details } };
    }
  },
  async shown(id, part, users = Object.keys(chats)) {
    const all = () => users.map((user) => chats[user]).flatMap((chat) => [messageOf(chat, id)?.card, cardsOf(chat).known(id)]);
    const shown = () => all().map((card) => pick(card, part));
    await until(() => shown().every((each) => isDeepStrictEqual(each, part)), () => `showing ${JSON.stringify([part, shown()])}`);
    return { mine: Object.fromEntries(Object.entries(chats).map(([user, chat]) => [user, cardsOf(chat).known(id).mine?.actionIds ?? []])) };
  },
  async text(id) {
    return { texts: Object.values(chats).map((chat) => messageOf(chat, id).content) };
  },
  async waiting(user, titles) {
    const waiting = () => cardsOf(chats[user]).waiting.items.map(({ title }) => title);
    await until(() => isDeepStrictEqual(waiting(), titles), () => `waiting for ${user}: ${JSON.stringify([titles, waiting()])}`);
    return {};
  },
  async verify(user, id) {
    const receipt = await cardsOf(chats[user]).receipt(id);
    const local = createLocalJWKSet(await (await fetch(WELL_KNOWN)).json());
    const verified = await Promise.all([remote, local].map((keys) => jwtVerify(receipt, keys, { ...options, subject: id })));
    const [{ payload, protectedHeader }, { payload: other }] = verified;
    return { payload, alg: protectedHeader.alg, isSame: isDeepStrictEqual(payload, other) };
  },
  async forge(user, id) {
    const receipt = await cardsOf(chats[user]).receipt(id);
    const { payload, protectedHeader } = await jwtVerify(receipt, remote, options);
    const [header, , signature] = receipt.split(".");
    const forged = { ...payload, actionId: "decline" };
    const { privateKey } = await generateKeyPair("ES256");
    const sign = (kid) => new SignJWT(forged).setProtectedHeader({ ...protectedHeader, kid }).sign(privateKey);
    const [{ x }] = (await (await fetch(WELL_KNOWN)).json()).keys;
    const byPublicKey = await new SignJWT(forged)
      .setProtectedHeader({ alg: "HS256", kid: protectedHeader.kid })
      .sign(Buffer.from(x, "base64url"));
    return {
      changed: await refusal(`${header}.${base64(forged)}.${signature}`),
      anotherKey: await refusal(await sign(protectedHeader.kid)),
      unknownKey: await refusal(await sign("another")),
      unsigned: await refusal(`${base64({ alg: "none", kid: protectedHeader.kid })}.${base64(forged)}.`),
      byPublicKey: await refusal(byPublicKey),
      anotherServer: await refusal(receipt, remote, { ...options, issuer: "https://chat.example.com" }),
      anotherCard: await refusal(receipt, remote, { ...options, subject: "another" }),
      genuine: await refusal(receipt),
    };
  },
  async cut() {
    isCut = true;
    for (const link of links) link.destroy();
    await until(() => chats.carol.state === "offline", () => "being offline");
    return {};
  },
  async join() {
    isCut = false;
    chats.carol.reconnectNow();
    await until(() => chats.carol.state === "online", () => "being online");
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...values] = JSON.parse(line);
  try {
    console.log(JSON.stringify({ done: name, ...(await orders[name](...values)) }));
  } catch (error) {
    console.log(JSON.stringify({ failed: name, why: String(error?.stack ?? error) }));
  }
}
process.exit(0);
