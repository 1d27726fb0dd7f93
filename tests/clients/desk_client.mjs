// The desk of @talkwire/client, as built, against a server.
//
//   node desk_client.mjs URL SECRET
//
// Takes orders, a JSON array each line, and reports the result of each, in one line of JSON:
//   ["open"]            sam and kim, the team "support", connect through a proxy and open all lists of their desk
//   ["lists"]           waits until both show what a fresh client loads; reports that, by the names of the lists
//   ["claim", id]       both claim a conversation at once: who handles it, and what the other one was refused with
//   ["do", name, ...]   sam does something at the desk
//   ["follow", id]      sam follows a conversation; alice types in it until that arrives
//   ["leave", id]       sam follows it no longer; alice types and sends a signal, and nothing but her message arrives
//   ["cut"] ["join"]    the network is gone, and is back
import { createHmac } from "node:crypto";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { deskOf } from "../../clients/javascript/client/dist/desk/index.js";
import { Talkwire } from "../../clients/javascript/client/dist/index.js";

const [url, secret] = process.argv.slice(2);
const DEADLINE_MS = 60_000;
const LISTS = ["waiting", "mine", "all", "closed"];

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

const chatOf = (user, address = `http://127.0.0.1:${proxy.address().port}`) =>
  new Talkwire({ url: address, token: async () => tokenFor(user) });
const staff = { sam: chatOf("sam"), kim: chatOf("kim") };
const alice = chatOf("alice", url);

async function until(isTrue, what) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`${typeof what === "function" ? what() : what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// --- the desk ---------------------------------------------------------------------------------------------------------

const shownOf = ({ id, handler, state, waitingSince, lastSeq, lastMessage }) => [
  id, handler, state, waitingSince, lastSeq, lastMessage?.content,
];
const listsOf = (desk) =>
  Object.fromEntries(LISTS.map((name) => [name, desk.view(name).conversations.map(shownOf)]));

async function freshLists(user) {
  const chat = chatOf(user, url);
  await chat.connect();
  const desk = deskOf(chat, "support");
  for (const name of LISTS) {
    await until(() => desk.view(name).loaded, `loading ${name}`);
    while (desk.view(name).hasMore) await desk.view(name).loadMore();
  }
  const lists = listsOf(desk);
  chat.close();
  return lists;
}

const followed = { typing: [], signals: [] };
const stops = [];

const orders = {
  async open() {
    await Promise.all([...Object.values(staff), alice].map((chat) => chat.connect()));
    for (const chat of Object.values(staff)) for (const name of LISTS) deskOf(chat, "support").view(name).on("change", () => undefined);
    return { teams: await staff.sam.teams() };
  },
  async lists() {
    const differences = {};
    await until(async () => {
      for (const [user, chat] of Object.entries(staff)) {
        const desk = deskOf(chat, "support");
        for (const name of LISTS) if (desk.view(name).hasMore) await desk.view(name).loadMore();
        const [shown, fresh] = [listsOf(desk), await freshLists(user)];
        differences[user] = isDeepStrictEqual(shown, fresh) ? undefined : { shown, fresh };
      }
      return Object.values(differences).every((each) => each === undefined);
    }, () => `showing the same: ${JSON.stringify(differences)}`);
    return { lists: listsOf(deskOf(staff.sam, "support")), numbers: deskOf(staff.sam, "support").numbers };
  },
  async claim(id) {
    const claims = Object.values(staff).map((chat) => deskOf(chat, "support").claim(id));
    const done = await Promise.allSettled(claims);
    const refused = done.find(({ status }) => status === "rejected")?.reason;
    return {
      handlers: done.flatMap(({ value }) => value?.handler ?? []),
      refused: { code: refused?.code, details: refused?.details },
    };
  },
  async do(name, ...values) {
    return { result: await deskOf(staff.sam, "support")[name](...values) };
  },
  async follow(id) {
    const room = staff.sam.conversation(id);
    await room.load();
    followed.typing = [];
    stops.push(
      room.on("typing", (typists) => followed.typing.push(...typists.map(({ userId }) => userId))),
      room.on("signal", ({ name }) => followed.signals.push(name)),
    );
    await until(() => {
      alice.call("typing:start", { conversationId: id }).catch(() => undefined);
      return followed.typing.includes("alice");
    }, "typing");
    return {};
  },
  async leave(id) {
    for (const stop of stops) stop();
    followed.typing = [];
    // The server handles what a socket sends in order, and so the reply follows the leaving.
    await staff.sam.call("ping", {});
    staff.sam.on("signal", ({ name }) => followed.signals.push(name));
    await alice.conversation(id).signal("cursor");
    const { seq } = await alice.conversation(id).send("Are you there?");
    await until(() => staff.sam.conversation(id).info?.lastSeq === seq, "the arrival of the message");
    return followed;
  },
  async cut() {
    isCut = true;
    for (const link of links) link.destroy();
    await until(() => Object.values(staff).every(({ state }) => state === "offline"), "being offline");
    return {};
  },
  async join() {
    isCut = false;
    for (const chat of Object.values(staff)) chat.reconnectNow();
    await until(() => Object.values(staff).every(({ state }) => state === "online"), "being online");
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
