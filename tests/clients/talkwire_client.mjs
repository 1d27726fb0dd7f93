// The package @talkwire/client, as built, against a server that breaks.
//
//   node talkwire_client.mjs URL SECRET
//
// Takes orders, a JSON array each line, and reports the result of each, in one line of JSON:
//   ["begin"]           alice and bob connect through a proxy; alice creates a conversation with bob
//   ["send", n]         alice sends n further messages, without waiting for them
//   ["arrived", n]      waits until n messages have arrived at bob
//   ["cut"] ["join"]    the network is gone, and is back
//   ["leave"] ["enter"] alice disconnects, and connects again
//   ["reload"]          alice's page is loaded again: another client on the same storage
//   ["compare"]         waits until what alice and bob show is what a fresh client loads
//   ["explore", seed, steps]   random actions and interruptions, with such a comparison after each; reports how often
//                       missed events were asked for, and how often everything was reloaded instead
//   ["visit"]           alice and her phone connect
//   ["unread", n]       waits until alice and her phone show n unread messages; reports how many conversations are loaded
//   ["read", id]        alice reads a conversation
//   ["signal"]          alice sends a signal; reports what her phone and bob received, by the chat and by the conversation
//   ["more"]            alice loads the next page of conversations; reports each number of unread messages meanwhile
//   ["tokens"]          how often a token was given out, and how often that failed
import "../../clients/javascript/node_modules/fake-indexeddb/auto/index.mjs";
import { createHmac } from "node:crypto";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { Talkwire } from "../../clients/javascript/client/dist/index.js";
import { Core } from "../../clients/javascript/client/dist/parts.js";

const [url, secret] = process.argv.slice(2);
const DEADLINE_MS = 60_000;
/** Short enough to be renewed several times in a test, at two thirds of it. */
const TOKEN_S = 6;

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
const throughProxy = `http://127.0.0.1:${proxy.address().port}`;

function cut() {
  isCut = true;
  for (const link of links) link.destroy();
}

// --- tokens -----------------------------------------------------------------------------------------------------------

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenFor(user) {
  const now = Math.floor(Date.now() / 1000);
  const content = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ sub: user, name: user, iat: now, exp: now + TOKEN_S })}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}

const tokens = { given: 0, failed: 0 };
let attempts = 0;

/** Each token is given out at the third attempt. */
async function failingToken() {
  attempts += 1;
  if (attempts % 3 !== 0) {
    tokens.failed += 1;
    throw new Error("the back end does not answer");
  }
  tokens.given += 1;
  return tokenFor("alice");
}

// --- the clients ------------------------------------------------------------------------------------------------------

const freshAlice = () => new Talkwire({ url: throughProxy, token: failingToken, userId: "alice" });
let alice = freshAlice();
const bob = new Talkwire({ url: throughProxy, token: async () => tokenFor("bob") });
/** Another device of alice, whose connection never breaks. */
const phone = new Talkwire({ url, token: async () => tokenFor("alice") });
let id;
let sent = 0;
const arrived = [];

async function until(isTrue, what) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`${typeof what === "function" ? what() : what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// --- how gaps end -----------------------------------------------------------------------------------------------------

const gaps = { caughtUp: 0, reloaded: 0 };
const { missedEvents, loadState } = Core.prototype;
let isAsked = false;

Core.prototype.missedEvents = async function () {
  const missed = await missedEvents.call(this);
  if (missed !== null) gaps.caughtUp += 1;
  else isAsked = true;
  return missed;
};

Core.prototype.loadState = async function (...limit) {
  if (isAsked && limit.length === 0) gaps.reloaded += 1;
  isAsked = false;
  return loadState.call(this, ...limit);
};

// --- what is shown ----------------------------------------------------------------------------------------------------

/** Leaves out what means the same as nothing. */
function essence(value) {
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== "object" || value === null) return value;
  const isFilled = ([, each]) => each !== undefined && each !== null && each !== false && each !== 0;
  const filled = Object.entries(value).filter((entry) => isFilled(entry) && !(Array.isArray(entry[1]) && entry[1].length === 0));
  return Object.fromEntries(filled.map(([name, each]) => [name, essence(each)]).sort());
}

function shownBy(chat) {
  const conversations = chat.conversations.map((each) => {
    // Lists leave members out, and so their number is compared.
    const { members: _, ...rest } = each;
    return [each.id, essence(rest), chat.conversation(each.id).messages.slice(-30).map(essence)];
  });
  return { unread: chat.unreadCount, conversations };
}

/** Waits until a client shows what a client that starts now shows. */
async function compare(chat, user) {
  const fresh = new Talkwire({ url, token: tokenFor(user) });
  try {
    await fresh.connect();
    const rooms = fresh.conversations.map((each) => fresh.conversation(each.id));
    await Promise.all(rooms.map((room) => room.load()));
    await until(
      () => chat.state === "online" && isDeepStrictEqual(shownBy(chat), shownBy(fresh)),
      () => `that ${user} shows ${JSON.stringify(shownBy(fresh))} instead of ${JSON.stringify(shownBy(chat))}`,
    );
  } finally {
    fresh.close();
  }
}

// --- random actions ---------------------------------------------------------------------------------------------------

/** A linear congruential generator, so that a seed repeats a run. */
function randomFrom(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

const EMOJI = ["👍", "🎉", "🙈"];

async function act(random, ids) {
  const chat = [alice, bob, phone][random(3)];
  const other = chat === bob ? alice : bob;
  const room = chat.conversation(ids[random(ids.length)]);
  const message = room.messages.at(-1 - random(Math.min(5, room.messages.length)));
  const isOwn = message?.senderId === chat.me?.id && message?.deletedAt === undefined;
  const actions = [
    () => room.send(`random ${random(1000)}`),
    () => room.send(`to you, @${other.me.id}`),
    () => room.send("", { parts: partsAbout(message) }),
    () => isOwn && room.edit(message.id, { parts: partsAbout(message) }),
    () => message && room.send("only then", { ifLastSeq: message.seq }),
    () => message && room.send("a reply", { replyTo: message.id }),
    () => message && room.send("in the thread", { threadId: message.threadId ?? message.id }),
    () => isOwn && room.edit(message.id, `edited ${random(1000)}`),
    () => isOwn && room.edit(message.id, { metadata: random(3) === 0 ? null : { number: random(1000) } }),
    () => isOwn && room.delete(message.id),
    () => message && room.react(message.id, EMOJI[random(3)]),
    () => message && room.unreact(message.id, EMOJI[random(3)]),
    () => message && (message.pinned ? room.unpin(message.id) : room.pin(message.id)),
    () => room.markRead(),
    () => room.markUnread(),
    () => room.update({ name: `name ${random(1000)}` }),
    () => chat === phone && room.info?.ownerId === "alice" && changeMembers(room),
    () => chat.request("PATCH", "users/me", { avatar: `https://example.com/${random(1000)}.png` }),
  ];
  // The server refuses some, such as a reaction to a deleted message; messages that wait are not waited for.
  const done = actions[random(actions.length)]();
  if (done) await Promise.race([done.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 30))]);
}

/** The new name's event has the time of the last change, which events about members leave out. */
async function changeMembers(room) {
  await (room.info.memberCount === 2 ? room.addMembers(["carol"]) : room.removeMember("carol"));
  await room.update({ name: "Other members" });
}

async function explore(seed, steps) {
  const random = randomFrom(seed);
  const more = await bob.createConversation({ kind: "group", name: "More", memberIds: ["alice"] });
  await until(() => alice.conversations.some((each) => each.id === more.id), "the second conversation");
  const ids = [id, more.id];
  await new Talkwire({ url, token: tokenFor("carol") }).request("GET", "users/me");
  await phone.connect();
  const loading = ids.flatMap((each) => [alice, bob, phone].map((chat) => chat.conversation(each).load()));
  await Promise.all(loading);
  for (let step = 0; step < steps; step++) {
    // The first two steps have a gap that ends with the missed events, and one that ends with a reload.
    const interruption = step < 2 ? step : random(6);
    if (interruption < 2) alice.disconnect();
    else if (interruption === 2) cut();
    else if (interruption === 3) alice = reloaded(ids);
    for (let count = random(8); count >= 0; count--) await act(random, ids);
    const many = interruption === 1 ? await createMany() : [];
    isCut = false;
    for (const chat of [alice, bob]) {
      chat.reconnectNow();
      await chat.connect();
    }
    await until(() => [alice, bob].every((chat) => ids.every((each) => isSettled(chat.conversation(each)))), "sending");
    await compare(alice, "alice");
    await compare(phone, "alice");
    await compare(bob, "bob");
    for (const room of many) await room.deleteConversation();
  }
}

/** The parts of a message that quotes another one, or a web page. */
function partsAbout(message) {
  const source = message === undefined ? { url: "https://example.com/" } : { messageId: message.id };
  return [
    { type: "source", ...source, title: "A source", quote: "it" },
    { type: "text", text: "See" },
  ];
}

/** Discards what the server has refused, such as a reply to a message that was deleted meanwhile. */
function isSettled(room) {
  for (const { clientMessageId, error } of room.pending) if (error !== null) room.discard(clientMessageId);
  return room.pending.length === 0;
}

/** More conversations than a client loads one by one. */
function createMany() {
  const wanted = { kind: "group", name: "One of many", memberIds: ["alice"] };
  return Promise.all(Array.from({ length: 11 }, () => bob.createConversation(wanted)));
}

function reloaded(ids) {
  alice.close();
  const next = freshAlice();
  void next.connect();
  for (const each of ids) next.conversation(each);
  return next;
}

// --- orders -----------------------------------------------------------------------------------------------------------

const orders = {
  async begin() {
    await Promise.all([alice.connect(), bob.connect()]);
    const room = await alice.createConversation({ kind: "group", name: "Plans", memberIds: ["bob"] });
    id = room.id;
    await bob.conversation(id).load();
    bob.conversation(id).on("message", ({ content }) => arrived.push(content));
    return { id };
  },
  async send(count) {
    const room = alice.conversation(id);
    for (let left = count; left > 0; left--) room.send(`message ${sent++}`).catch(() => undefined);
    return {};
  },
  async arrived(count) {
    await until(() => bob.conversation(id).info?.lastSeq >= count, () => `the arrival of ${count}, but ${arrived.length},`);
    return { arrived: arrived.length, pending: alice.conversation(id).pending.length };
  },
  async cut() {
    cut();
    return {};
  },
  async join() {
    isCut = false;
    return {};
  },
  async leave() {
    alice.disconnect();
    return {};
  },
  async enter() {
    await alice.connect();
    return {};
  },
  async reload() {
    alice = reloaded([id]);
    return {};
  },
  async compare() {
    await compare(alice, "alice");
    await compare(bob, "bob");
    return { state: alice.state, contents: alice.conversation(id).messages.map(({ content }) => content) };
  },
  explore: async (seed, steps) => {
    await explore(seed, steps);
    return gaps;
  },
  async visit() {
    await Promise.all([alice.connect(), phone.connect()]);
    return {};
  },
  async unread(count) {
    const shown = () => [alice.unreadCount, phone.unreadCount];
    await until(() => shown().every((each) => each === count), () => `unread ${count}, but ${shown()},`);
    return { loaded: [alice, phone].map((chat) => chat.conversations.length) };
  },
  async read(which) {
    await alice.conversation(which).markRead();
    return {};
  },
  async signal() {
    const received = [];
    for (const chat of [alice, phone, bob]) {
      chat.on("signal", (signal) => received.push(["chat", signal]));
      chat.conversation(id).on("signal", (signal) => received.push(["room", signal]));
    }
    await alice.conversation(id).signal("cursor", { x: 1 });
    await until(() => received.length >= 4, "the arrival of the signal");
    return { received };
  },
  async more() {
    const shown = [];
    const stops = [alice.on("conversations", () => shown.push(alice.unreadCount)), alice.on("unread", (each) => shown.push(each))];
    await alice.loadMoreConversations();
    for (const stop of stops) stop();
    return { shown };
  },
  tokens: async () => ({ given: tokens.given, refused: tokens.failed }),
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
