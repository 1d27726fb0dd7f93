// The page and a server that goes away and comes back.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  act,
  anotherTab,
  atEnd,
  call,
  composer,
  conversations,
  enterAs,
  field,
  holdable,
  kept,
  letters,
  listed,
  LOST,
  message,
  messages,
  open,
  pageUrl,
  pause,
  post,
  say,
  start,
  until,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const LOST_OR_MISSING = new RegExp(`${LOST.source}|status of 404|dynamically imported module|Unable to preload`);

// The server is killed while Alice writes.
test("The page reconnects, and loses and doubles nothing", ["own_server"], async ({ server }) => {
  const [alice, bob] = [await visitAs("alice", { expected: LOST }), await visitAs("bob", { expected: LOST })];
  await open(alice, "general");
  await open(bob, "general");
  await say(bob, "Before");
  await message(alice, "Before").waitFor();
  const killed = server.kill();
  for (let number = 1; number <= 40; number++) await say(alice, `Message ${number}`);
  await alice.getByText("Reconnecting…").waitFor();
  await say(alice, "Typed while disconnected");
  // The list goes to its end when it next draws.
  await letters(alice).filter({ hasText: "Typed while disconnected" }).waitFor();
  const letter = letters(alice).last();
  equal(await letter.getByRole("img").getAttribute("aria-label"), "Waiting for the connection");
  equal(await letter.locator(".text").textContent(), "Typed while disconnected");
  await killed;
  await server.start();
  await alice.locator(".connection").waitFor({ state: "detached" });
  await bob.locator(".connection").waitFor({ state: "detached" });
  await letters(alice).first().waitFor({ state: "detached" });
  // What came meanwhile is more than a screen, so the list stayed where it was; one's own message leads to its end.
  await say(bob, "After");
  await message(bob, "Typed while disconnected").waitFor();
  const toEnd = async (page) => {
    await message(page, "After").waitFor();
    await atEnd(page);
  };
  for (const page of [alice, bob]) await toEnd(page);
  const storedTexts = async () => {
    const { items } = await call("GET", "conversations/general/messages?limit=100", "carol");
    return items.map(({ content }) => content);
  };
  const written = Array.from({ length: 40 }, (_, index) => `Message ${index + 1}`);
  const expected = ["Before", ...written, "Typed while disconnected", "After"];
  // What is in sight, which is the end.
  const showsEnd = async (page) => {
    const shown = await messages(page).allTextContents();
    ok(shown.length > 5, `${shown.length} messages are shown`);
    deepEqual(shown, expected.slice(-shown.length));
  };
  for (const page of [alice, bob]) await showsEnd(page);
  await alice.reload();
  await toEnd(alice);
  deepEqual(await storedTexts(), expected);
  await showsEnd(alice);
});

// A part of the page that is not loaded yet comes when the server is back; the rest stays. Without a retry, React would
// remove the whole page.
test("A part that is not loaded waits for the network", ["crowded_server"], async () => {
  const styles = /\/page\/dialogs-[^/]*\.css/;
  // Before the page loads them without being asked.
  const alice = await visit({ at: "about:blank", expected: LOST });
  await alice.route(styles, (route) => route.abort("internetdisconnected"));
  await alice.goto(pageUrl);
  await enterAs(alice, "alice");
  await open(alice, "general");
  await alice.context().setOffline(true);
  const failed = alice.waitForEvent("requestfailed", (request) => styles.test(request.url()));
  await alice.getByRole("button", { name: "New conversation" }).click();
  await failed;
  await alice.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  equal(await alice.locator(".composer textarea").count(), 1);
  await alice.unroute(styles);
  await alice.context().setOffline(false);
  const dialog = alice.getByRole("dialog");
  await dialog.waitFor();
  await alice.waitForFunction(() => document.querySelector("link[data-failed]") === null);
  ok(await alice.evaluate(() => [...document.styleSheets].every(({ cssRules }) => cssRules.length > 0)));
});

const GONE = { status: 404, contentType: "text/plain", body: "Not found" };
const notice = (page) => page.locator(".part-notice");

// Parts that do not arrive, as after an upgrade of the server, which has removed them: the page says so, and nothing
// opens once the reader has given up.
test("A part that is missing says so and is given up", ["crowded_server"], async () => {
  const chunk = /\/page\/dialogs-/;
  const panel = /\/page\/panels-/;
  // Before the page loads them without being asked.
  const alice = await visit({ at: "about:blank", expected: LOST_OR_MISSING });
  for (const part of [chunk, panel]) await alice.route(part, (route) => route.fulfill(GONE));
  await alice.goto(pageUrl);
  await enterAs(alice, "alice");
  await open(alice, "general");
  const ask = async () => {
    await alice.route(chunk, (route) => route.fulfill(GONE));
    await alice.getByRole("button", { name: "New conversation" }).click();
    await notice(alice).getByRole("button", { name: "Reload the page" }).waitFor();
  };
  await ask();
  equal(await notice(alice).getByRole("paragraph").textContent(), "This part of the page couldn't be loaded.");
  equal(await alice.evaluate(() => document.activeElement.textContent), "Try again");
  await say(alice, "The rest works");
  await message(alice, "The rest works").waitFor();
  await notice(alice).getByRole("button", { name: "Close" }).click();
  await alice.unroute(chunk);
  // Longer than the pause after which the page would have tried again.
  await pause(3_000);
  equal(await alice.getByRole("dialog").count(), 0);
  await ask();
  for (const part of [chunk, panel]) await alice.unroute(part);
  await notice(alice).getByRole("button", { name: "Try again" }).click();
  await alice.getByRole("dialog").waitFor();
  equal(await notice(alice).count(), 0);
  await alice.keyboard.press("Escape");
  await alice.route(panel, (route) => route.fulfill(GONE));
  await alice.getByRole("button", { name: "Details", exact: true }).click();
  await notice(alice).waitFor();
  await alice.keyboard.press("Escape");
  await notice(alice).waitFor({ state: "detached" });
  await composer(alice).fill("A draft");
  await alice.getByRole("button", { name: "Details", exact: true }).click();
  await notice(alice).getByRole("button", { name: "Reload the page" }).click();
  await composer(alice).waitFor();
  await alice.unroute(panel);
  equal(await composer(alice).inputValue(), "A draft");
});

// A part for which a request is not answered.
test("A part that takes long can be given up", [], async () => {
  let answer;
  const released = new Promise((resolve) => (answer = resolve));
  const alice = await visit({ at: "about:blank", expected: LOST });
  // Before the page loads it without being asked.
  await alice.route(/\/page\/dialogs-/, async (route) => {
    await released;
    await route.continue();
  });
  await alice.goto(pageUrl);
  await enterAs(alice, "alice");
  await open(alice, "general");
  await alice.getByRole("button", { name: "New conversation" }).click();
  await notice(alice).waitFor();
  equal(await notice(alice).getByRole("paragraph").textContent(), "This part of the page is still loading…");
  await notice(alice).getByRole("button", { name: "Close" }).click();
  answer();
  await pause(1_000);
  equal(await alice.getByRole("dialog").count(), 0);
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("dialog").waitFor();
});

// A page whose scripts do not arrive is not empty, and says what helps.
test("A page without its scripts says so", [], async () => {
  const start = async (pattern, { path = "", locale } = {}) => {
    const page = await visit({ at: "about:blank", expected: LOST_OR_MISSING, ...(locale && { locale }) });
    await page.route(pattern, (route) => route.fulfill(GONE));
    await page.goto(url + path);
    return page;
  };
  const text = async (page, within) => {
    await page.locator(within).getByText(/\w/).first().waitFor();
    return (await page.locator(within).textContent()).replace(/\s+/g, " ").trim();
  };
  const unstarted = "The page couldn't be loaded. Reload";
  const entry = await start(/\/page\/page-/, { path: "/#/conversation/general" });
  equal(await text(entry, ".unstarted"), unstarted);
  await entry.unroute(/\/page\/page-/);
  await entry.getByRole("link", { name: "Reload" }).click();
  await entry.getByRole("heading", { name: "Try it as" }).waitFor();
  equal(new URL(entry.url()).hash, "#/conversation/general");
  const show = /\/page\/show-/;
  equal(await text(await start(show), ".unstarted"), "The page couldn't be loaded. Reload the page");
  const german = await start(show, { locale: "de-DE" });
  equal(await text(german, ".unstarted"), "Die Seite konnte nicht geladen werden. Seite neu laden");
  const adminConsole = await start(show, { path: "/admin" });
  equal(await text(adminConsole, ".unstarted"), "The page couldn't be loaded. Reload the page");
  const chat = await start(/\/page\/chat-/);
  await enterAs(chat, "alice");
  equal(await text(chat, ".missing-part"), "This part of the page couldn't be loaded.Try againReload the page");
  await chat.unroute(/\/page\/chat-/);
  await chat.getByRole("button", { name: "Try again" }).click();
  await conversations(chat).first().waitFor();
  await (await start(/\/page\/de-/, { locale: "de-DE" })).getByRole("heading", { name: "Try it as" }).waitFor();
  // A script that neither comes nor fails: no script can notice that.
  const hanging = await visit({ at: "about:blank", expected: LOST });
  await hanging.route(/\/page\/.*\.js$/, () => undefined);
  await hanging.goto(url, { waitUntil: "commit" });
  equal(await text(hanging, ".unstarted"), unstarted);
});

// What was written while the server was away is there after a reload, and leaves when the server is back.
test("What was written without a connection outlives a reload", ["own_server"], async ({ server }) => {
  const alice = await visitAs("alice", { expected: LOST });
  await open(alice, "general");
  await alice.context().setOffline(true);
  await alice.evaluate(() => undefined);
  await server.kill();
  await alice.getByText("Reconnecting…").waitFor();
  for (const content of ["first", "second", "third"]) await say(alice, content);
  await letters(alice).nth(2).waitFor();
  // It is seen before it is stored.
  await becomes(async () => (await kept(alice, "letters", "talkwire")).includes("third"), true);
  await server.start();
  await alice.context().setOffline(false);
  await alice.reload();
  await letters(alice).first().waitFor({ state: "detached" });
  await message(alice, "third").waitFor();
  deepEqual(await messages(alice).allTextContents(), ["first", "second", "third"]);
});

const messageWith = (page, content) =>
  page.locator(".message").filter({ has: page.locator(".text").getByText(content, { exact: true }) });

// Changes of messages are shown at once, and saved when the server is back: through a conversation and a reload.
test("Changes of messages wait for the server through a reload", ["own_crowded_server"], async ({ server }) => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Changes", memberIds: ["bob"] });
  for (const content of ["To edit", "To delete"]) await post("messages", "alice", { conversationId: id, content });
  await post("messages", "bob", { conversationId: id, content: "To like and pin" });
  const alice = await visitAs("alice", { expected: LOST });
  await open(alice, "Changes");
  await message(alice, "To like and pin").waitFor();
  // The parts of the page that it needs are loaded.
  await act(alice, "To delete", "Delete");
  await alice.getByRole("dialog").getByRole("button", { name: "Cancel", exact: true }).click();
  await server.kill();
  await alice.getByText("Reconnecting…").waitFor();
  await act(alice, "To edit", "Edit");
  await composer(alice).fill("Edit that is undone");
  await alice.keyboard.press("Enter");
  await message(alice, "Edit that is undone").waitFor();
  await act(alice, "Edit that is undone", "Edit");
  await composer(alice).fill("Edited");
  await alice.keyboard.press("Enter");
  await message(alice, "Edited").waitFor();
  const waits = "Waiting for the connection";
  equal(await messageWith(alice, "Edited").locator(".tick").getAttribute("aria-label"), waits);
  await act(alice, "To delete", "Delete");
  await alice.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  equal(await alice.locator(".gone .tick").getAttribute("aria-label"), waits);
  await act(alice, "To like and pin", "React with 👍");
  await messageWith(alice, "To like and pin").getByRole("button", { name: "👍, 1" }).waitFor();
  await act(alice, "To like and pin", "Pin");
  await messageWith(alice, "To like and pin").getByText("Pinned").waitFor();
  const changesKept = async () => (await kept(alice, "letters", "talkwire")).split('"change"').length - 1;
  ok((await until(changesKept, (count) => count >= 4)) >= 4);
  await server.start();
  await open(alice, "general");
  await alice.reload();
  await alice.locator(".connection").waitFor({ state: "detached" });
  const stored = async () => {
    const { items } = await call("GET", `conversations/${id}/messages?limit=10`, "bob");
    const emoji = (reactions = []) => reactions.map((each) => each.emoji);
    return items.map(({ content = null, pinned = false, reactions }) => [content, pinned, emoji(reactions)]);
  };
  await becomes(stored, [["Edited", false, []], [null, false, []], ["To like and pin", true, ["👍"]]]);
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  // What was replaced before it was sent is no version.
  equal((await call("GET", `messages/${items[0].id}/history`, "bob")).items.length, 2);
});

// What the server refuses can be tried again or discarded; nothing is lost.
test("A refused change can be tried again", ["crowded_server"], async () => {
  const { id } = await post("conversations", "bob", { kind: "group", name: "Refused", memberIds: ["alice"] });
  await post("messages", "alice", { conversationId: id, content: "Before" });
  const alice = await visitAs("alice");
  const held = await holdable(alice);
  await open(alice, "Refused");
  await act(alice, "Before", "Edit");
  await composer(alice).fill("Not to be saved");
  held.hold();
  await alice.keyboard.press("Enter");
  await message(alice, "Not to be saved").waitFor();
  await call("PUT", `conversations/${id}/mutes/alice`, "bob", {});
  held.release();
  const edited = messageWith(alice, "Not to be saved");
  equal((await edited.locator(".problem").textContent()).slice(0, 10), "Not saved:");
  await alice.reload();
  await edited.locator(".problem").waitFor();
  await call("DELETE", `conversations/${id}/mutes/alice`, "bob");
  await edited.getByRole("button", { name: "Try again" }).click();
  await edited.locator(".problem").waitFor({ state: "detached" });
  const stored = async () => (await call("GET", `conversations/${id}/messages`, "bob")).items[0].content;
  await becomes(stored, "Not to be saved");
});

// What browsers keep from pages that came neither over HTTPS nor from this machine.
function withoutHttps() {
  delete Crypto.prototype.randomUUID;
  delete Navigator.prototype.locks;
  delete Navigator.prototype.clipboard;
  delete Navigator.prototype.mediaDevices;
}

test("The page works without HTTPS", ["own_server"], async () => {
  const alice = await visitAs("alice", { init: withoutHttps });
  await open(alice, "conv-456");
  await say(alice, "Over a wire of our own");
  await message(alice, "Over a wire of our own").waitFor();
  await letters(alice).first().waitFor({ state: "detached" });
  await alice.locator(".composer input[type=file]").setInputFiles({
    name: "note.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("noted"),
  });
  await say(alice, "With a file");
  await alice.locator(".message:not(.letter) .file-name").getByText("note.txt").waitFor();
});

// Lets the page try nothing again by itself once that is wanted. The client waits at least 250 ms for its next try.
function holdTries() {
  const set = window.setTimeout;
  window.setTimeout = (run, ms, ...given) => (window.held && ms >= 250 ? 0 : set(run, ms, ...given));
}

// When the network is back, nobody waits for the next try; until then, nobody seems to be online.
test("The page is back as soon as the network is", ["own_server"], async ({ server }) => {
  const alice = await visitAs("alice", { expected: LOST, init: holdTries });
  await open(alice, "general");
  await alice.locator(".account .dot.online").waitFor();
  await alice.context().setOffline(true);
  await server.kill();
  await alice.getByText("Reconnecting…").waitFor();
  equal(await alice.locator(".dot.online").count(), 0);
  // This try fails, and no other follows it.
  await alice.evaluate(() => (window.held = true));
  await alice.getByRole("button", { name: "Try now" }).click();
  await server.start();
  // One that was due before.
  await pause(1_000);
  equal(await alice.locator(".connection").count(), 1);
  await alice.context().setOffline(false);
  await alice.locator(".connection").waitFor({ state: "detached" });
});

// What a tab has not sent when it is closed is sent by another one.
test("Another tab sends what a closed one has left", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Two tabs", memberIds: ["bob"] });
  const one = await visitAs("alice", { expected: LOST });
  const two = await anotherTab(one, "alice", LOST);
  for (const tab of [one, two]) await open(tab, "Two tabs");
  await one.context().setOffline(true);
  for (const tab of [one, two]) await tab.locator(".connection").waitFor();
  const note = { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("12") };
  await one.locator(".composer input[type=file]").setInputFiles(note);
  await one.getByText("note.txt").waitFor();
  await say(one, "With a file");
  await say(one, "Left behind");
  await letters(one).nth(1).waitFor();
  equal(await letters(two).count(), 0);
  await one.close();
  await letters(two).nth(1).waitFor();
  deepEqual(await letters(two).locator(".text").allTextContents(), ["With a file", "Left behind"]);
  await two.context().setOffline(false);
  await letters(two).first().waitFor({ state: "detached" });
  await message(two, "Left behind").waitFor();
  await letters(two).nth(0).waitFor({ state: "detached" });
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  const stored = items.filter(({ type }) => type !== "system");
  deepEqual(stored.map(({ content }) => content).sort(), ["Left behind", "With a file"]);
  deepEqual(stored.flatMap(({ attachments = [] }) => attachments.map(({ name }) => name)), ["note.txt"]);
});

// What happened in a conversation stays on the page when the connection is lost while the page asks what else did.
test("What happened stays when the connection is lost", ["own_server"], async ({ server }) => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Events" });
  const bob = await visitAs("bob", { expected: LOST });
  await open(bob, "Events");
  const shown = () => bob.locator(".notice-line > span").allTextContents();
  const topic = "alice changed the topic to “Plans”";
  await call("PATCH", `conversations/${id}`, "alice", { topic: "Plans" });
  await becomes(shown, [topic]);
  const asked = /\/notices\?/;
  await bob.route(asked, (route) => route.abort());
  const failed = bob.waitForEvent("requestfailed", (request) => asked.test(request.url()));
  await call("PATCH", `conversations/${id}/members/carol`, "alice", { role: "admin" });
  await failed;
  await server.kill();
  await bob.getByText("Reconnecting…").waitFor();
  await bob.unroute(asked);
  deepEqual(await shown(), [topic]);
  await server.start();
  await becomes(shown, [topic, "carol is now an admin"]);
  await call("PATCH", `conversations/${id}`, "alice", { name: "New events" });
  await becomes(shown, [topic, "carol is now an admin", "alice changed the name to “New events”"]);
});

// A reload while the server is away: the page, the conversations and what waits to be sent are there.
test("A reload without the server shows the page and what waits", ["own_server"], async ({ server }) => {
  const alice = await visitAs("alice", { expected: LOST, installs: true });
  await open(alice, "general");
  await say(alice, "Before");
  await message(alice, "Before").waitFor();
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await becomes(async () => (await kept(alice, "timelines")).includes("Before"), true);
  await server.kill();
  await alice.getByText("Reconnecting…").waitFor();
  await say(alice, "Written while the server was away");
  await letters(alice).first().waitFor();
  // It is seen before it is stored.
  await becomes(async () => (await kept(alice, "letters", "talkwire")).includes("Written while"), true);
  await alice.reload();
  await message(alice, "Before").waitFor();
  await letters(alice).first().waitFor();
  const waiting = await letters(alice).allTextContents();
  deepEqual(waiting.map((text) => text.includes("Written while the server was away")), [true]);
  equal(await alice.getByRole("button", { name: "Try now" }).count(), 1);
  await server.start();
  await message(alice, "Written while the server was away").waitFor();
  await letters(alice).first().waitFor({ state: "detached" });
  const statesKept = async () => JSON.parse(await kept(alice, "states")).length;
  equal(await statesKept(), 1);
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitem", { name: "Sign out" }).click();
  await alice.getByRole("heading", { name: "Try it as" }).waitFor();
  equal(await statesKept(), 0);
});

// After a reload without a network, the page shows what waits for the reader elsewhere, and the reader's own status.
test("Counts and the reader's own status outlive a reload without a connection", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Counts" });
  const root = await post("messages", "alice", { conversationId: id, content: "The root" });
  await call("PUT", `messages/${root.id}/pin`, "alice");
  await post("messages", "bob", { conversationId: id, content: "A reply for @alice", threadId: root.id });
  await call("PUT", "users/me/presence", "alice", { status: "dnd", text: "Out for lunch" });
  const alice = await visitAs("alice", { expected: LOST, installs: true });
  await open(alice, "Counts");
  const counts = async () => [
    await alice.locator(".bell .count").textContent({ timeout: 500 }).catch(() => ""),
    await alice.locator(".side-button.unread .count [aria-hidden]").textContent({ timeout: 500 }).catch(() => ""),
    await alice.locator(".pins-button").textContent({ timeout: 500 }).catch(() => ""),
    await alice.locator(".account-text").textContent({ timeout: 500 }).catch(() => ""),
  ];
  const areAll = (all) => all.every((each) => each !== "");
  const before = await until(counts, areAll);
  deepEqual(before.slice(1), ["1", "1", "Out for lunch"]);
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await until(() => kept(alice, "states"), (all) => all.includes("Out for lunch") && /"threads":[1-9]/.test(all));
  await until(() => kept(alice, "timelines"), (all) => all.includes('"pins":[{'));
  await alice.context().setOffline(true);
  await alice.reload();
  await alice.locator(".connection").waitFor();
  await message(alice, "The root").waitFor();
  deepEqual(await counts(), before);
  await alice.locator(".bell button").click();
  equal(
    await alice.getByRole("dialog").getByRole("heading", { level: 2 }).last().textContent(),
    "The list of notifications needs a connection.",
  );
  await alice.keyboard.press("Escape");
  await alice.locator(".account").click();
  const checked = alice.locator('[role=menu] [aria-checked="true"]');
  await checked.first().waitFor();
  deepEqual(await checked.allTextContents(), ["Do not disturb"]);
  await alice.keyboard.press("Escape");
  await alice.context().setOffline(false);
  await alice.locator(".connection").waitFor({ state: "detached" });
  await becomes(counts, before);
});

// What was read before a reload is there when it is opened without a network, and up to date with it. What happened
// meanwhile is not missed.
test("What was read before a reload is opened without a connection", [], async () => {
  const ids = {};
  for (const name of ["Read before", "Open now"]) {
    ids[name] = (await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name })).id;
    await post("messages", "bob", { conversationId: ids[name], content: `In ${name}` });
  }
  await post(`conversations/${ids["Read before"]}/offers`, "bob", { title: "A bike", amount: 5, currency: "EUR" });
  const alice = await visitAs("alice", { expected: LOST });
  await open(alice, "Read before");
  await message(alice, "In Read before").waitFor();
  await until(() => kept(alice, "timelines"), (all) => all.includes("In Read before") && all.includes("A bike"));
  await open(alice, "Open now");
  await alice.reload();
  await message(alice, "In Open now").waitFor();
  await post("messages", "bob", { conversationId: ids["Read before"], content: "Said after the reload" });
  await listed(alice, "Read before").getByText("Said after the reload").waitFor();
  await alice.context().setOffline(true);
  await alice.locator(".connection").waitFor();
  await listed(alice, "Read before").click();
  await message(alice, "In Read before").waitFor();
  await alice.locator(".conversation .offer").waitFor();
  deepEqual(await messages(alice).allTextContents(), ["In Read before"]);
  await post("messages", "bob", { conversationId: ids["Read before"], content: "Said meanwhile" });
  await alice.context().setOffline(false);
  await message(alice, "Said meanwhile").waitFor();
  await message(alice, "Said after the reload").waitFor();
  await alice.locator(".conversation .offer").waitFor();
  const online = ["In Read before", "Said after the reload", "Said meanwhile"];
  deepEqual(await messages(alice).allTextContents(), online);
});

// What is opened while the server is away comes by itself when it is back. The search shows nothing of another one.
test("What is opened without the server comes with it", ["own_server"], async ({ server }) => {
  const id = (await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Meanwhile" })).id;
  const root = await post("messages", "bob", { conversationId: id, content: "The root" });
  await post("messages", "bob", { conversationId: id, content: "The reply", threadId: root.id });
  await post("conversations", "stranger", { kind: "group", memberIds: [], name: "Open to all", public: true });
  const pages = {};
  for (const name of ["thread", "details", "search", "files", "other"]) {
    pages[name] = await visitAs("alice", { expected: LOST });
    await open(pages[name], "Meanwhile");
    await message(pages[name], "The root").waitFor();
  }
  const { thread, details, search, files, other } = pages;
  const button = (page, name) => page.getByRole("button", { name, exact: true });
  const panels = {
    thread: [() => thread.locator(".replies").first().click(), () => thread.locator(".panel").getByText("The reply")],
    details: [
      () => button(details, "Details").click(),
      () => details.locator(".panel").getByRole("combobox", { name: "Notify me about" }),
    ],
    files: [
      () => button(files, "Files").click(),
      () => files.locator(".panel").getByText("No pictures or videos yet."),
    ],
    people: [
      () => button(thread, "People").click(),
      () => thread.getByRole("dialog").getByRole("option").filter({ hasText: "stranger" }),
    ],
    browse: [
      () => button(details, "Browse public conversations").click(),
      () => details.getByRole("dialog").getByText("Open to all"),
    ],
  };
  const close = async (page, name) => {
    await page.keyboard.press("Escape");
    await page.locator(name === "people" || name === "browse" ? "dialog" : ".panel").waitFor({ state: "detached" });
  };
  // Their parts are loaded.
  for (const [name, [show, shown]] of Object.entries(panels)) {
    await show();
    await shown().waitFor();
    await close(shown().page(), name);
  }
  await button(search, "Search").click();
  const words = search.getByRole("searchbox", { name: "Search messages" });
  await words.fill("reply");
  await search.locator(".find").waitFor();
  await server.kill();
  await Promise.all(Object.values(pages).map((page) => page.getByText("Reconnecting…").waitFor()));
  for (const [show] of Object.values(panels)) await show();
  equal(await thread.locator(".panel").getByText("The root").count(), 1);
  await words.fill("root");
  await search.locator(".panel .problem").waitFor();
  // What is written where nothing is loaded stands below a line about what is missing.
  await open(other, "general");
  await say(other, "Written first");
  await other.getByText("The messages are not here yet.").waitFor();
  equal(await search.locator(".find").count(), 0);
  const unreachable = [
    thread.locator("dialog"),
    details.locator("dialog"),
    details.locator(".panel"),
    files.locator(".panel"),
  ];
  for (const within of unreachable) await becomes(() => within.getByText(/cannot be reached/).count(), 1);
  await thread.locator(".panel").getByText("The messages are not here yet.").waitFor();
  await server.start();
  for (const [, shown] of Object.values(panels)) await shown().waitFor();
  await search.locator(".find").filter({ hasText: "The root" }).waitFor();
  for (const page of Object.values(pages)) equal(await page.getByText(/cannot be reached/).count(), 0);
});

// The entrance that was opened without the server says so, and completes itself: when the network returns, and after a
// while.
test("An entrance opened without the server completes itself", [], async () => {
  const refused = /api\/v1\/server|demo\.json/;
  const says = (page) => page.getByText("The server cannot be reached. Trying again…");
  const people = (page) => page.getByRole("heading", { name: "Try it as" });
  const alice = await visitAs("alice", { expected: LOST });
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitem", { name: "Sign out" }).waitFor();
  await alice.context().setOffline(true);
  await alice.getByRole("menuitem", { name: "Sign out" }).click();
  await says(alice).waitFor();
  equal(await people(alice).count(), 0);
  await field(alice, "E-mail").fill("alice@example.com");
  await alice.context().setOffline(false);
  await people(alice).waitFor();
  equal(await field(alice, "E-mail").inputValue(), "alice@example.com");
  const bob = await visit({ expected: LOST });
  await bob.route(refused, (route) => route.abort());
  await bob.reload();
  await says(bob).waitFor();
  await bob.unroute(refused);
  await people(bob).waitFor();
  for (const page of [alice, bob]) equal(await says(page).count(), 0);
});
