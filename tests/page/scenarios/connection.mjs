import {
  field,
  LOST,
  act,
  anotherTab,
  answers,
  atEnd,
  call,
  composer,
  conversations,
  enterAs,
  holdable,
  kept,
  letters,
  listed,
  message,
  messages,
  open,
  pageUrl,
  pause,
  post,
  report,
  say,
  until,
  url,
  visit,
  visitAs,
} from "../browser.mjs";

const LOST_OR_MISSING = new RegExp(`${LOST.source}|status of 404|dynamically imported module|Unable to preload`);

// Anyone who runs this kills the server and starts it again, and answers when that is done.
export async function reconnection() {
  const [alice, bob] = [await visitAs("alice", { expected: LOST }), await visitAs("bob", { expected: LOST })];
  await open(alice, "general");
  await open(bob, "general");
  await say(bob, "Before");
  await message(alice, "Before").waitFor();
  report("ready");
  for (let number = 1; number <= 40; number++) await say(alice, `Message ${number}`);
  await alice.getByText("Reconnecting…").waitFor();
  await say(alice, "Typed while disconnected");
  // The list goes to its end when it next draws.
  await letters(alice).filter({ hasText: "Typed while disconnected" }).waitFor();
  const letter = letters(alice).last();
  const says = await letter.getByRole("img").getAttribute("aria-label");
  report("disconnected", { waiting: await letter.locator(".text").textContent(), says });
  await answers.next();
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
  const shown = [await messages(alice).allTextContents(), await messages(bob).allTextContents()];
  await alice.reload();
  await toEnd(alice);
  report("reconnected", { stored: await storedTexts(), shown, reloaded: await messages(alice).allTextContents() });
}

// A part of the page that is not loaded yet comes when the server is back; the rest stays.
export async function late_parts() {
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
  const writes = await alice.locator(".composer textarea").count();
  await alice.unroute(styles);
  await alice.context().setOffline(false);
  const dialog = alice.getByRole("dialog");
  await dialog.waitFor();
  await alice.waitForFunction(() => document.querySelector("link[data-failed]") === null);
  report("came", { writes, styles: await alice.evaluate(() => [...document.styleSheets].every(({ cssRules }) => cssRules.length > 0)) });
}

const GONE = { status: 404, contentType: "text/plain", body: "Not found" };
const notice = (page) => page.locator(".part-notice");

// Parts that do not arrive, as after an upgrade of the server, which has removed them: the page says so, and nothing
// opens once the reader has given up.
export async function missing_parts() {
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
  const says = await notice(alice).getByRole("paragraph").textContent();
  const focused = await alice.evaluate(() => document.activeElement.textContent);
  await say(alice, "The rest works");
  await message(alice, "The rest works").waitFor();
  await notice(alice).getByRole("button", { name: "Close" }).click();
  await alice.unroute(chunk);
  // Longer than the pause after which the page would have tried again.
  await pause(3_000);
  const opened = await alice.getByRole("dialog").count();
  await ask();
  for (const part of [chunk, panel]) await alice.unroute(part);
  await notice(alice).getByRole("button", { name: "Try again" }).click();
  await alice.getByRole("dialog").waitFor();
  const left = await notice(alice).count();
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
  report("shown", { says, focused, opened, left, draft: await composer(alice).inputValue() });
}

// A part for which a request is not answered.
export async function slow_parts() {
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
  const says = await notice(alice).getByRole("paragraph").textContent();
  await notice(alice).getByRole("button", { name: "Close" }).click();
  answer();
  await pause(1_000);
  const opened = await alice.getByRole("dialog").count();
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("dialog").waitFor();
  report("shown", { says, opened });
}

// A page whose scripts do not arrive is not empty, and says what helps.
export async function unstarted() {
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
  const shown = {};
  const entry = await start(/\/page\/page-/, { path: "/#/conversation/general" });
  shown.entry = await text(entry, ".unstarted");
  await entry.unroute(/\/page\/page-/);
  await entry.getByRole("link", { name: "Reload" }).click();
  await entry.getByRole("heading", { name: "Try it as" }).waitFor();
  shown.address = new URL(entry.url()).hash;
  shown.page = await text(await start(/\/page\/show-/), ".unstarted");
  shown.german = await text(await start(/\/page\/show-/, { locale: "de-DE" }), ".unstarted");
  shown.console = await text(await start(/\/page\/show-/, { path: "/admin" }), ".unstarted");
  const chat = await start(/\/page\/chat-/);
  await enterAs(chat, "alice");
  shown.chat = await text(chat, ".missing-part");
  await chat.unroute(/\/page\/chat-/);
  await chat.getByRole("button", { name: "Try again" }).click();
  await conversations(chat).first().waitFor();
  await (await start(/\/page\/de-/, { locale: "de-DE" })).getByRole("heading", { name: "Try it as" }).waitFor();
  // A script that neither comes nor fails: no script can notice that.
  const hanging = await visit({ at: "about:blank", expected: LOST });
  await hanging.route(/\/page\/.*\.js$/, () => undefined);
  await hanging.goto(url, { waitUntil: "commit" });
  shown.hanging = await text(hanging, ".unstarted");
  report("shown", shown);
}

// What was written while the server was away is there after a reload, and leaves when the server is back.
export async function outbox() {
  const alice = await visitAs("alice", { expected: LOST });
  await open(alice, "general");
  await alice.context().setOffline(true);
  await alice.evaluate(() => undefined);
  report("ready");
  await alice.getByText("Reconnecting…").waitFor();
  for (const content of ["first", "second", "third"]) await say(alice, content);
  await letters(alice).nth(2).waitFor();
  // It is seen before it is stored.
  while (!(await kept(alice, "letters", "talkwire")).includes("third")) await pause(20);
  await answers.next();
  await alice.context().setOffline(false);
  await alice.reload();
  await letters(alice).first().waitFor({ state: "detached" });
  await message(alice, "third").waitFor();
  report("sent", { messages: await messages(alice).allTextContents() });
}

const messageWith = (page, content) =>
  page.locator(".message").filter({ has: page.locator(".text").getByText(content, { exact: true }) });

// Changes of messages are shown at once, and saved when the server is back: through a conversation and a reload.
export async function changes() {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Changes", memberIds: ["bob"] });
  for (const content of ["To edit", "To delete"]) await post("messages", "alice", { conversationId: id, content });
  await post("messages", "bob", { conversationId: id, content: "To like and pin" });
  const alice = await visitAs("alice", { expected: LOST });
  await open(alice, "Changes");
  await message(alice, "To like and pin").waitFor();
  // The parts of the page that it needs are loaded.
  await act(alice, "To delete", "Delete");
  await alice.getByRole("dialog").getByRole("button", { name: "Cancel", exact: true }).click();
  report("ready");
  await alice.getByText("Reconnecting…").waitFor();
  await act(alice, "To edit", "Edit");
  await composer(alice).fill("Edit that is undone");
  await alice.keyboard.press("Enter");
  await message(alice, "Edit that is undone").waitFor();
  await act(alice, "Edit that is undone", "Edit");
  await composer(alice).fill("Edited");
  await alice.keyboard.press("Enter");
  await message(alice, "Edited").waitFor();
  const tick = await messageWith(alice, "Edited").locator(".tick").getAttribute("aria-label");
  await act(alice, "To delete", "Delete");
  await alice.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  const deleted = await alice.locator(".gone .tick").getAttribute("aria-label");
  await act(alice, "To like and pin", "React with 👍");
  await messageWith(alice, "To like and pin").getByRole("button", { name: "👍, 1" }).waitFor();
  await act(alice, "To like and pin", "Pin");
  await messageWith(alice, "To like and pin").getByText("Pinned").waitFor();
  while ((await kept(alice, "letters", "talkwire")).split('"change"').length < 5) await pause(20);
  report("shown", { tick, deleted });
  await answers.next();
  await open(alice, "general");
  await alice.reload();
  await alice.locator(".connection").waitFor({ state: "detached" });
  const stored = async () => {
    const { items } = await call("GET", `conversations/${id}/messages?limit=10`, "bob");
    return items.map(({ content = null, pinned = false, reactions = [] }) => [content, pinned, reactions.map(({ emoji }) => emoji)]);
  };
  const wanted = [["Edited", false, []], [null, false, []], ["To like and pin", true, ["👍"]]];
  const saved = await until(stored, (items) => JSON.stringify(items) === JSON.stringify(wanted));
  const versions = await call("GET", `messages/${(await call("GET", `conversations/${id}/messages`, "bob")).items[0].id}/history`, "bob");
  report("saved", { saved, versions: versions.items.length });
}

// What the server refuses can be tried again or discarded; nothing is lost.
export async function refused_changes() {
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
  const problem = await edited.locator(".problem").textContent();
  await alice.reload();
  await edited.locator(".problem").waitFor();
  await call("DELETE", `conversations/${id}/mutes/alice`, "bob");
  await edited.getByRole("button", { name: "Try again" }).click();
  await edited.locator(".problem").waitFor({ state: "detached" });
  const stored = async () => (await call("GET", `conversations/${id}/messages`, "bob")).items[0].content;
  const again = await until(stored, (content) => content === "Not to be saved");
  report("refused", { problem: problem.slice(0, 10), again });
}

// What browsers keep from pages that came neither over HTTPS nor from this machine.
function withoutHttps() {
  delete Crypto.prototype.randomUUID;
  delete Navigator.prototype.locks;
  delete Navigator.prototype.clipboard;
  delete Navigator.prototype.mediaDevices;
}

export async function insecure() {
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
  report("talked");
}

// Lets the page try nothing again by itself once that is wanted. The client waits at least 250 ms for its next try.
function holdTries() {
  const set = window.setTimeout;
  window.setTimeout = (run, ms, ...given) => (window.held && ms >= 250 ? 0 : set(run, ms, ...given));
}

// When the network is back, nobody waits for the next try; until then, nobody seems to be online.
export async function network() {
  const alice = await visitAs("alice", { expected: LOST, init: holdTries });
  await open(alice, "general");
  await alice.locator(".account .dot.online").waitFor();
  await alice.context().setOffline(true);
  report("ready");
  await alice.getByText("Reconnecting…").waitFor();
  const dots = await alice.locator(".dot.online").count();
  // This try fails, and no other follows it.
  await alice.evaluate(() => (window.held = true));
  await alice.getByRole("button", { name: "Try now" }).click();
  await answers.next();
  // One that was due before.
  await pause(1_000);
  const waits = await alice.locator(".connection").count();
  await alice.context().setOffline(false);
  await alice.locator(".connection").waitFor({ state: "detached" });
  report("back", { dots, waits });
}

// What a tab has not sent when it is closed is sent by another one.
export async function closed_tab() {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Two tabs", memberIds: ["bob"] });
  const one = await visitAs("alice", { expected: LOST });
  const two = await anotherTab(one, "alice", LOST);
  for (const tab of [one, two]) await open(tab, "Two tabs");
  await one.context().setOffline(true);
  for (const tab of [one, two]) await tab.locator(".connection").waitFor();
  await one.locator(".composer input[type=file]").setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("12") });
  await one.getByText("note.txt").waitFor();
  await say(one, "With a file");
  await say(one, "Left behind");
  await letters(one).nth(1).waitFor();
  const before = await letters(two).count();
  await one.close();
  await letters(two).nth(1).waitFor();
  const shown = await letters(two).locator(".text").allTextContents();
  await two.context().setOffline(false);
  await letters(two).first().waitFor({ state: "detached" });
  await message(two, "Left behind").waitFor();
  await letters(two).nth(0).waitFor({ state: "detached" });
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  const stored = items.filter(({ type }) => type !== "system");
  report("taken over", {
    before,
    shown,
    stored: stored.map(({ content }) => content).sort(),
    files: stored.flatMap(({ attachments = [] }) => attachments.map(({ name }) => name)),
  });
}

// What happened in a conversation stays on the page when the connection is lost while the page asks what else did.
export async function events() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Events" });
  const bob = await visitAs("bob", { expected: LOST });
  await open(bob, "Events");
  const shown = () => bob.locator(".notice-line > span").allTextContents();
  await call("PATCH", `conversations/${id}`, "alice", { topic: "Plans" });
  await until(shown, ({ length }) => length === 1);
  const asked = /\/notices\?/;
  await bob.route(asked, (route) => route.abort());
  const failed = bob.waitForEvent("requestfailed", (request) => asked.test(request.url()));
  await call("PATCH", `conversations/${id}/members/carol`, "alice", { role: "admin" });
  await failed;
  report("ready");
  await bob.getByText("Reconnecting…").waitFor();
  await bob.unroute(asked);
  report("away", { shown: await shown() });
  await answers.next();
  await until(shown, ({ length }) => length === 2);
  await call("PATCH", `conversations/${id}`, "alice", { name: "New events" });
  report("back", { shown: await until(shown, ({ length }) => length === 3) });
}

// A reload while the server is away: the page, the conversations and what waits to be sent are there.
export async function reloaded() {
  const alice = await visitAs("alice", { expected: LOST, installs: true });
  await open(alice, "general");
  await say(alice, "Before");
  await message(alice, "Before").waitFor();
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  while (!(await kept(alice, "timelines")).includes("Before")) await alice.waitForTimeout(100);
  report("ready");
  await alice.getByText("Reconnecting…").waitFor();
  await say(alice, "Written while the server was away");
  await letters(alice).first().waitFor();
  // It is seen before it is stored.
  while (!(await kept(alice, "letters", "talkwire")).includes("Written while")) await pause(20);
  await alice.reload();
  await message(alice, "Before").waitFor();
  await letters(alice).first().waitFor();
  const waiting = await letters(alice).allTextContents();
  const notice = await alice.getByRole("button", { name: "Try now" }).count();
  report("away", { waiting: waiting.map((text) => text.includes("Written while the server was away")), notice });
  await answers.next();
  await message(alice, "Written while the server was away").waitFor();
  await letters(alice).first().waitFor({ state: "detached" });
  const statesKept = async () => JSON.parse(await kept(alice, "states")).length;
  const before = await statesKept();
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitem", { name: "Sign out" }).click();
  await alice.getByRole("heading", { name: "Try it as" }).waitFor();
  report("sent", { kept: before, keptAfterwards: await statesKept() });
}

// What waits for the reader elsewhere, and what they have said of themselves, is there after a reload without a network.
export async function counts_offline() {
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
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await until(() => kept(alice, "states"), (all) => all.includes("Out for lunch") && /"threads":[1-9]/.test(all));
  await until(() => kept(alice, "timelines"), (all) => all.includes('"pins":[{'));
  await alice.context().setOffline(true);
  await alice.reload();
  await alice.locator(".connection").waitFor();
  await message(alice, "The root").waitFor();
  const away = await counts();
  await alice.locator(".bell button").click();
  const says = await alice.getByRole("dialog").getByRole("heading", { level: 2 }).last().textContent();
  await alice.keyboard.press("Escape");
  await alice.locator(".account").click();
  const checked = alice.locator('[role=menu] [aria-checked="true"]');
  await checked.first().waitFor();
  const chosen = await checked.allTextContents();
  await alice.keyboard.press("Escape");
  await alice.context().setOffline(false);
  await alice.locator(".connection").waitFor({ state: "detached" });
  const back = await until(counts, (now) => String(now) === String(before));
  report("counted", { before, away, back, says, chosen });
}

// What was read before a reload is there when it is opened without a network, and up to date with it. What happened
// meanwhile is not missed.
export async function opened_offline() {
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
  const offline = await messages(alice).allTextContents();
  await post("messages", "bob", { conversationId: ids["Read before"], content: "Said meanwhile" });
  await alice.context().setOffline(false);
  await message(alice, "Said meanwhile").waitFor();
  await message(alice, "Said after the reload").waitFor();
  await alice.locator(".conversation .offer").waitFor();
  report("opened", { offline, online: await messages(alice).allTextContents() });
}

// What is opened while the server is away comes by itself when it is back. The search shows nothing of another one.
export async function opened_meanwhile() {
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
    details: [() => button(details, "Details").click(), () => details.locator(".panel").getByRole("combobox", { name: "Notify me about" })],
    files: [() => button(files, "Files").click(), () => files.locator(".panel").getByText("No pictures or videos yet.")],
    people: [() => button(thread, "People").click(), () => thread.getByRole("dialog").getByRole("option").filter({ hasText: "stranger" })],
    browse: [() => button(details, "Browse public conversations").click(), () => details.getByRole("dialog").getByText("Open to all")],
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
  report("ready");
  await Promise.all(Object.values(pages).map((page) => page.getByText("Reconnecting…").waitFor()));
  for (const [show] of Object.values(panels)) await show();
  const rootMeanwhile = await thread.locator(".panel").getByText("The root").count();
  await words.fill("root");
  await search.locator(".panel .problem").waitFor();
  // What is written where nothing is loaded stands below a line about what is missing.
  await open(other, "general");
  await say(other, "Written first");
  await other.getByText("The messages are not here yet.").waitFor();
  const foundMeanwhile = await search.locator(".find").count();
  const problems = await Promise.all(
    [thread.locator("dialog"), details.locator("dialog"), details.locator(".panel"), files.locator(".panel")].map(
      async (within) => (await within.getByText(/cannot be reached/).first().waitFor(), within.getByText(/cannot be reached/).count()),
    ),
  );
  await thread.locator(".panel").getByText("The messages are not here yet.").waitFor();
  report("away", { rootMeanwhile, foundMeanwhile, problems });
  await answers.next();
  for (const [, shown] of Object.values(panels)) await shown().waitFor();
  await search.locator(".find").filter({ hasText: "The root" }).waitFor();
  const left = await Promise.all(Object.values(pages).map((page) => page.getByText(/cannot be reached/).count()));
  report("back", { left });
}

// The entrance that was opened without the server says so, and completes itself: when the network returns, and after a
// while.
export async function lateEntrance() {
  const refused = /api\/v1\/server|demo\.json/;
  const says = (page) => page.getByText("The server cannot be reached. Trying again…");
  const people = (page) => page.getByRole("heading", { name: "Try it as" });
  const alice = await visitAs("alice", { expected: LOST });
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitem", { name: "Sign out" }).waitFor();
  await alice.context().setOffline(true);
  await alice.getByRole("menuitem", { name: "Sign out" }).click();
  await says(alice).waitFor();
  const before = await people(alice).count();
  await field(alice, "E-mail").fill("alice@example.com");
  await alice.context().setOffline(false);
  await people(alice).waitFor();
  const kept = await field(alice, "E-mail").inputValue();
  const bob = await visit({ expected: LOST });
  await bob.route(refused, (route) => route.abort());
  await bob.reload();
  await says(bob).waitFor();
  await bob.unroute(refused);
  await people(bob).waitFor();
  report("late", { before, kept, after: (await says(alice).count()) + (await says(bob).count()) });
}
