// What is unread after the connection was lost while somebody read at the end of a conversation or a thread.
import { equal, match, ok } from "node:assert/strict";
import {
  atEnd,
  call,
  composer,
  letters,
  losable,
  LOST,
  message,
  open,
  pause,
  post,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
// How many messages there are before the connection is lost; all of them are read.
const READ = 50;

const jump = (page) => page.locator("main .to-newest");
const above = (page) => page.locator(".to-unseen-first");
const line = (page) => page.locator(".timeline .unread-from");
const thread = (page) => page.locator(".panel .thread");
const readSeq = async (id) => (await call("GET", `conversations/${id}`, "alice")).readSeq ?? 0;

// A value that changes no more, such as how far the reader has read.
async function resting(read) {
  for (let before = null, now = await read(); ; before = now, now = await read()) {
    if (now === before) return now;
    await pause(1_200);
  }
}

async function write(conversationId, word, count, more = {}) {
  for (let number = 1; number <= count; number++)
    await post("messages", "bob", { conversationId, content: `${word} ${number}`, ...more });
}

let conversations = 0;

const VISITORS = { "in a window": {}, "on a phone": { isOnPhone: true } };

// How a page gets what it missed: the server repeats it, the page asks for it, or it loads all again.
const WAYS = [
  { way: "repeated", needs: ["demo_server"], asks: false },
  { way: "asked for", needs: ["demo_server"], asks: true },
  { way: "loaded again", needs: ["forgetful_server"], asks: false },
];

// Runs in the page. The server does not know what it asks to resume, so the page asks for what it has missed.
function resumeNothing() {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    send.call(this, typeof data === "string" ? data.replace('"pid":', '"unknown":') : data);
  };
}

// Alice at the end of a conversation, all of which she has read, behind a network that can be lost.
async function reading({ isOnPhone = false, asks = false } = {}) {
  const name = `Train ${++conversations}`;
  const { id } = await post("conversations", "alice", { kind: "group", name, memberIds: ["bob"] });
  await write(id, "Word", READ);
  await post(`conversations/${id}/read`, "alice", {});
  const network = await losable();
  const how = { at: network.at, expected: LOST, ...(asks && { init: resumeNothing }), ...(isOnPhone && PHONE) };
  const alice = await visitAs("alice", how);
  await open(alice, name);
  await atEnd(alice);
  return { id, network, alice };
}

// Where a message is on the screen; null where it is not in the document.
const top = (page, content) =>
  message(page, content)
    .first()
    .evaluate((it) => it.getBoundingClientRect().top, undefined, { timeout: 5_000 })
    .catch(() => null);

const inSight = (locator) =>
  locator.first().evaluate((it) => {
    const [own, list] = [it, it.closest(".scroller")].map((each) => each.getBoundingClientRect());
    return own.top >= list.top && own.bottom <= list.bottom;
  });

// A panel may cover the line that says so.
const lines = (page) => page.locator(".connection").count();

async function lose({ alice, network }) {
  network.lose();
  await until(() => lines(alice), (count) => count > 0);
}

async function restore({ alice, network }) {
  await network.restore(alice);
  await until(() => lines(alice), (count) => count === 0);
}

// The connection is lost, much is written, and it comes back. `writes`: whether the reader's own message waits meanwhile.
for (const { way, needs, asks } of WAYS)
  for (const missed of [60, 300, 700])
    for (const [who, { writes = false, ...how }] of Object.entries({ ...VISITORS, "while writing": { writes: true } }))
      test(`What was missed is unread and below the list: ${missed}, ${way}, ${who}`, needs, async () => {
        const at = await reading({ asks, ...how });
        await lose(at);
        if (writes) {
          await composer(at.alice).fill("Of my own");
          await at.alice.getByRole("button", { name: "Send", exact: true }).click();
          await letters(at.alice).first().waitFor();
          await atEnd(at.alice);
        }
        await miss(at, missed);
      });

test("What was missed is unread after the server was killed", ["own_server"], async ({ server }) => {
  const at = await reading();
  await lose(at);
  await server.kill();
  await server.start();
  await miss(at, 60);
});

// All of it is unread, below the list, which stays where it was. On a phone it moves by the line about the connection.
async function miss({ id, alice, network }, missed) {
  const before = await top(alice, `Word ${READ}`);
  await write(id, "Missed", missed);
  await restore({ alice, network });
  const count = () => jump(alice).locator(".count").textContent({ timeout: 1_000 }).catch(() => "");
  const counted = Number(await until(count, (text) => Number(text) >= missed - 2));
  const read = await resting(() => readSeq(id));
  const moved = Math.abs((await top(alice, `Word ${READ}`)) - before);
  ok(moved < 60, `the list moved by ${moved} pixels`);
  // What the line about the connection had covered is on the screen, and so it may be read.
  ok(read <= READ + 2 && counted >= READ + missed - read, `read to ${read}, and ${counted} are unread`);
  equal(await line(alice).count(), 1);

  await jump(alice).click();
  const label = await until(() => above(alice).textContent(), (text) => Number.parseInt(text) >= missed - 2);
  match(label, /^\d+ new( since.*)?$/);
  equal(await resting(() => readSeq(id)), read);

  await alice.locator(".to-unseen").getByRole("button", { name: "Mark as read" }).click();
  const undo = alice.locator(".toast").getByRole("button", { name: "Undo" });
  await undo.waitFor();
  const marked = await until(() => readSeq(id), (seq) => seq >= READ + missed);
  ok(marked >= READ + missed, `read to ${marked}`);
  await undo.click();
  await becomes(() => readSeq(id), read);
}

// Less than a screen is written: that is read once it was on the screen, below the line.
for (const { way, needs, asks } of WAYS)
  for (const [who, how] of Object.entries(VISITORS))
    test(`Little that was missed is read on the screen: ${way}, ${who}`, needs, async () => {
      const at = await reading({ asks, ...how });
      const { id, alice } = at;
      await lose(at);
      await write(id, "Missed", 4);
      await restore(at);
      await becomes(() => readSeq(id), READ + 4);
      ok(await inSight(line(alice)));
      ok(await inSight(message(alice, "Missed 4")));
    });

// In headless browsers, windows have the focus all the time.
async function focus(page, hasFocus) {
  await page.evaluate((has) => {
    Object.defineProperty(document, "hasFocus", { value: () => has, configurable: true });
    window.dispatchEvent(new Event(has ? "focus" : "blur"));
  }, hasFocus);
}

// Replies come to an open thread without a connection or, `elsewhere`, while another window has the focus: the line above
// them comes into sight.
async function missReplies({ missed, unread, elsewhere = false, ...how }) {
  const at = await reading(how);
  const { id, alice } = at;
  const { items } = await call("GET", `conversations/${id}/messages?limit=1`, "alice");
  const threadId = items.at(-1).id;
  // Users that have replied follow the thread.
  const { id: first } = await post("messages", "alice", { conversationId: id, threadId, content: "Of my own" });
  await write(id, "Reply", 30, { threadId });
  await alice.evaluate((hash) => (location.hash = hash), `#/conversation/${id}/${first}`);
  await thread(alice).getByText("Reply 30", { exact: true }).waitFor();
  await thread(alice).evaluate((it) => (it.parentElement.scrollTop = it.parentElement.scrollHeight));
  const unreadCount = async () => (await call("GET", `messages/${threadId}/thread?limit=1`, "alice")).unreadCount;
  await becomes(unreadCount, 0);
  await (elsewhere ? focus(alice, false) : lose(at));
  await write(id, "Missed", missed, { threadId });
  if (elsewhere) await thread(alice).getByText(`Missed ${missed}`, { exact: true }).waitFor();
  await (elsewhere ? focus(alice, true) : restore(at));
  const firstUnread = thread(alice).locator("li", { has: alice.locator(".unread-from") });
  await firstUnread.waitFor();
  equal(await resting(unreadCount), unread);
  ok((await firstUnread.innerText()).includes("Missed 1"));
  const isInSight = await thread(alice)
    .getByText(`Missed ${missed}`, { exact: true })
    .evaluate((it) => {
      const frame = it.closest(".thread").parentElement.getBoundingClientRect();
      return it.getBoundingClientRect().bottom <= frame.bottom;
    });
  equal(isInSight, unread === 0);
}

// More replies than fit are unread; few are read on the screen.
const REPLIES = { many: { missed: 40, unread: 40 }, few: { missed: 3, unread: 0 } };

for (const [amount, counts] of Object.entries(REPLIES)) {
  for (const { way, needs, asks } of WAYS)
    for (const [who, how] of Object.entries(VISITORS))
      test(`Replies that were missed are below a line: ${amount}, ${way}, ${who}`, needs, () =>
        missReplies({ ...counts, asks, ...how }));

  test(`Replies that came while one looked elsewhere are below a line: ${amount}`, [], () =>
    missReplies({ ...counts, elsewhere: true }));
}

// A page that slept handles what came meanwhile after its window has the focus again.
test("A page that slept reads nothing that comes when it wakes", [], async () => {
  const asleep = [];
  let sleeps = false;
  const { id, alice } = await reading();
  await alice.context().routeWebSocket(/socket\.io/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => (sleeps ? asleep.push(() => socket.send(text)) : socket.send(text)));
  });
  await alice.reload();
  await message(alice, `Word ${READ}`).waitFor();
  await atEnd(alice);
  await focus(alice, false);
  sleeps = true;
  await write(id, "Missed", 60);
  await until(async () => asleep.length, (count) => count >= 60);
  await focus(alice, true);
  sleeps = false;
  for (const receive of asleep) receive();
  const label = await until(() => above(alice).textContent(), (text) => text.startsWith("60 "));
  equal(label.slice(0, 6), "60 new");
  equal(await resting(() => readSeq(id)), READ);
});
