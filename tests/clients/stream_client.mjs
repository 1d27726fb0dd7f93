// Messages that are written while others read them, by the package @talkwire/client as built.
//
//   node stream_client.mjs URL SECRET
//
// Takes orders, a JSON array each line, and reports the result of each, in one line of JSON:
//   ["open", id]        in a conversation, the agent "helper" and "alice" connect through a proxy, alice's second tab without,
//                       and "bob" by socket.io-client alone, which knows no streams
//   ["stream", options] helper opens a message; reports the parts that are there
//   ["write", n, ms?]   helper writes n words, one every some milliseconds, without waiting for the server
//   ["written"]         waits until the server has received all of them
//   ["do", name, ...]   helper calls a method of what writes the message
//   ["grown"]           waits until alice, in both tabs, shows what helper has written
//   ["finish", options] helper finishes the message; reports what alice, her second tab and bob show then
//   ["stop"]            alice asks helper to stop; reports the refusal
//   ["rate", rating, comment?]  alice rates the message; reports what she is answered, and what her second tab, by the
//                       conversation, and helper, by the chat, receive and load
//   ["stopped"]         waits until helper was asked to stop; reports by whom
//   ["cut"] ["join"]    the network is gone, and is back
//   ["reload"]          alice's page is loaded again
//   ["restart"]         helper's program is started again
import { createHmac } from "node:crypto";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { Talkwire } from "../../clients/javascript/client/dist/index.js";

const [url, secret] = process.argv.slice(2);
const DEADLINE_MS = 100_000;

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

// --- the clients ------------------------------------------------------------------------------------------------------

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenFor(user) {
  const now = Math.floor(Date.now() / 1000);
  const content = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ sub: user, name: user, iat: now, exp: now + 3600 })}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}

const chatOf = (user, address = throughProxy) => new Talkwire({ url: address, token: async () => tokenFor(user) });
let helper = chatOf("helper");
let alice = chatOf("alice");
const tab = chatOf("alice", url);
/** What bob shows: the contents of messages as they come in the events that every client knows. */
const bobs = new Map();
let bob;
let conversation;
let message;
let text = "";
let isWriting = false;

async function until(isTrue, what) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`${typeof what === "function" ? what() : what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const last = (chat) => chat.conversation(conversation).messages.at(-1);
/** What alice's clients show must be the text so far: nothing is there twice, and nothing is left out. */
const texts = () => [alice, tab].map((chat) => last(chat)?.content);

const orders = {
  async open(id) {
    conversation = id;
    bob = io(url, { auth: { token: tokenFor("bob") }, transports: ["websocket"] });
    for (const name of ["message:new", "message:updated"]) bob.on(name, ({ id: of, content }) => bobs.set(of, content));
    await Promise.all([helper.connect(), alice.connect(), tab.connect(), until(() => bob.connected, "bob's connection")]);
    await Promise.all([alice, tab].map((chat) => chat.conversation(id).load()));
    return {};
  },
  async stream(options) {
    message = await helper.conversation(conversation).stream(options);
    return { id: message.id, parts: message.parts };
  },
  async write(count, ms = 0) {
    isWriting = true;
    (async () => {
      for (let number = 0; number < count; number++) {
        const word = `word ${number} 😀 `;
        text += word;
        // In single code units, so that each emoji comes in halves.
        for (const unit of word.split("")) await message.text(unit);
        if (ms > 0) await pause(ms);
      }
    })().then(
      () => (isWriting = false),
      (error) => (isWriting = error),
    );
    return {};
  },
  async written() {
    await until(() => isWriting !== true, "the writing");
    if (isWriting) throw isWriting;
    return { text };
  },
  async do(name, ...values) {
    try {
      return { result: (await message[name](...values)) ?? null, parts: message.parts };
    } catch ({ code, details, message: why }) {
      return { code, details: details ?? null, why };
    }
  },
  async grown() {
    const isSame = () => message.parts.length > 0 && texts().every((shown) => shown === message.parts.filter(({ type }) => type === "text").map((part) => part.text).join("\n\n"));
    await until(isSame, () => `showing what was written (${JSON.stringify([...texts(), message.parts])})`);
    return { states: [alice, tab].map((chat) => last(chat).state), length: texts()[0].length };
  },
  async finish(options) {
    // Without recovery, his client misses what happens while it is not connected.
    await until(() => bob.connected, "bob's connection");
    const { id, content, state, error } = await message.finish(options);
    const shown = () => [...[alice, tab].map((chat) => [last(chat)?.content, last(chat)?.state]), [bobs.get(id), state]];
    await until(() => shown().every(([one, other]) => one === content && other === state), () => `showing the end ${JSON.stringify([content, state, shown()])}`);
    return { id, content, state, error, seqs: alice.conversation(conversation).messages.map(({ seq }) => seq) };
  },
  async stop() {
    try {
      await alice.conversation(conversation).stop(message.id);
      return {};
    } catch ({ code, details }) {
      return { code, details };
    }
  },
  async rate(...rating) {
    const received = [];
    const stops = [
      tab.conversation(conversation).on("rated", (rated) => received.push(["tab", rated])),
      helper.on("rated", (rated) => received.push(["helper", rated])),
    ];
    const answer = await alice.conversation(conversation).rate(message.id, ...rating);
    await until(() => received.length >= 2, "a rating");
    for (const stop of stops) stop();
    const loaded = await tab.conversation(conversation).rating(message.id);
    return { answer, loaded, received: Object.fromEntries(received) };
  },
  async stopped() {
    await until(() => message.signal.aborted, "the stop");
    return { stopped: message.stopped };
  },
  async cut() {
    isCut = true;
    for (const link of links) link.destroy();
    await until(() => [alice, helper].every(({ state }) => state === "offline"), "being offline");
    return {};
  },
  async join() {
    isCut = false;
    for (const chat of [alice, helper]) chat.reconnectNow();
    await until(() => [alice, helper].every(({ state }) => state === "online"), "being online");
    return {};
  },
  async reload() {
    alice.close();
    alice = chatOf("alice");
    await alice.connect();
    await alice.conversation(conversation).load();
    return {};
  },
  async restart() {
    helper.close();
    helper = chatOf("helper");
    await helper.connect();
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
