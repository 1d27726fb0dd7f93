// The turns of @talkwire/client, as built, against a server.
//
//   node turns_client.mjs URL SECRET
//
// Takes orders, a JSON array each line, and reports the result of each, in one line of JSON. "one" and "two" are two
// programs of the agent "helper"; "one" connects through a proxy:
//   ["open", id]               alice, one and two connect, and alice opens a conversation
//   ["say", text, place?]      alice sends a message; reports its id
//   ["loop", name, options]    a program claims turns until it has `atOnce`
//   ["answer", name, options]  a program claims turns, and answers each at once
//   ["took", name, n, ms?]     waits until a program has had n turns, so many milliseconds at most; reports all of them
//   ["pause", ms]              waits for a time
//   ["do", name, method, ...]  a program calls a method of its newest turn
//   ["stream", name, options, text]  a program opens a message in its newest turn, and writes a text
//   ["finish", name, options]  a program finishes that message
//   ["aborted", name]          waits until the newest turn of a program is aborted; reports why
//   ["close", name]            a program closes its turns; reports how its loop has ended
//   ["stop", id]               alice asks the author of a message, or of an answer to it, to stop
//   ["choose", id, action]     alice decides about a card
//   ["shown", texts]           waits until alice shows these texts and states
//   ["answered", [text, state]]  waits until alice shows this message as the newest one
//   ["working", agents]        waits until alice sees these agents work; reports all that she has seen
//   ["cut"] ["join"]           the network of "one" is gone, and is back
import { createHmac } from "node:crypto";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { cardsOf } from "../../clients/javascript/client/dist/cards/index.js";
import { Talkwire } from "../../clients/javascript/client/dist/index.js";
import { turnsOf } from "../../clients/javascript/client/dist/turns/index.js";

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
const alice = chatOf("alice");
const chats = { one: chatOf("helper", `http://127.0.0.1:${proxy.address().port}`), two: chatOf("helper") };
/** Of a program: its loop, the turns that it has had, and the message that it writes. */
const programs = { one: { had: [] }, two: { had: [] } };
let place;
const seen = [];

async function until(isTrue, what, ms = DEADLINE_MS) {
  const deadline = Date.now() + ms;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`${what()} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function attempt(work) {
  try {
    return { result: (await work()) ?? null };
  } catch ({ code, details, message }) {
    return { refused: { code, details: details ?? null, message } };
  }
}

function start(name, options, handle) {
  const program = programs[name];
  program.turns = turnsOf(chats[name], options);
  program.ended = attempt(async () => {
    for await (const turn of program.turns) {
      program.had.push(turn);
      await handle(turn);
    }
    return "done";
  });
}

const newest = (name) => programs[name].had.at(-1);
const reasonOf = ({ aborted, reason }) => (aborted ? { code: reason.code, details: reason.details ?? null } : null);
const described = ({ id, messages, tries, attempt: number, card, note, isOver, signal }) => ({
  id, messages: messages.map(({ content }) => content), tries, attempt: number, isOver, note,
  card: card && { outcome: card.card.outcome, actionId: card.card.actionId }, aborted: reasonOf(signal),
});

const orders = {
  async open(id) {
    place = id;
    await Promise.all([alice, chats.one, chats.two].map((chat) => chat.connect()));
    const room = alice.conversation(id);
    await room.load();
    room.on("working", (agents) => seen.push(agents));
    return {};
  },
  async say(text, where = place) {
    return { id: (await alice.conversation(where).send(text)).id };
  },
  async loop(name, options = {}) {
    start(name, options, () => undefined);
    return {};
  },
  async answer(name, options = {}) {
    start(name, options, (turn) => turn.send(`${name}: ${turn.messages.map(({ content }) => content).join(", ")}`));
    return {};
  },
  async took(name, count, ms) {
    const { had } = programs[name];
    await until(() => had.length >= count, () => `${count} turns of ${name} (${JSON.stringify(had.map(described))})`, ms);
    return { turns: had.map(described) };
  },
  async pause(ms) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return {};
  },
  async do(name, method, ...values) {
    return attempt(() => newest(name)[method](...values));
  },
  async stream(name, options, text) {
    const opened = await attempt(async () => {
      programs[name].message = await newest(name).stream(options);
      return programs[name].message.id;
    });
    const parts = programs[name].message?.parts;
    if (opened.result) await programs[name].message.text(text);
    return { ...opened, parts };
  },
  async finish(name, options) {
    const { message } = programs[name];
    const finished = await attempt(() => message.finish(options));
    return finished.refused ? finished : { state: finished.result.state, content: finished.result.content };
  },
  async aborted(name) {
    const turn = newest(name);
    await until(() => turn.signal.aborted, () => "the end of the turn");
    return { reason: reasonOf(turn.signal), stopped: turn.stopped };
  },
  async close(name) {
    const { turns, ended } = programs[name];
    await turns.close();
    return { ended: await ended, held: turns.held.length };
  },
  async stop(id) {
    return attempt(() => alice.call("message:stop", { replyToId: id }));
  },
  async choose(id, action) {
    return attempt(async () => (await cardsOf(alice).choose(id, [action])).state);
  },
  async shown(wanted) {
    const shown = () => alice.conversation(place).messages.map(({ content, state }) => (state ? [content, state] : [content]));
    await until(() => isDeepStrictEqual(shown(), wanted), () => `showing ${JSON.stringify([wanted, shown()])}`);
    return { ids: alice.conversation(place).messages.map(({ id }) => id) };
  },
  async answered(wanted) {
    const shown = () => alice.conversation(place).messages.map(({ content, state }) => [content, state]).at(-1);
    await until(() => isDeepStrictEqual(shown(), wanted), () => `showing ${JSON.stringify([wanted, shown()])}`);
    return {};
  },
  async working(agents) {
    const working = () => alice.conversation(place).working;
    await until(() => isDeepStrictEqual(working(), agents), () => `seeing ${JSON.stringify([agents, working()])}`);
    return { seen };
  },
  async cut() {
    isCut = true;
    for (const link of links) link.destroy();
    await until(() => chats.one.state === "offline", () => "being offline");
    return {};
  },
  async join() {
    isCut = false;
    chats.one.reconnectNow();
    await until(() => chats.one.state === "online", () => "being online");
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
