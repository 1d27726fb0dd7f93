// Messages that are written while others read them, and their parts.
import { deepEqual, equal, ok } from "node:assert/strict";
import { passesAxe } from "./axe.mjs";
import { atEnd, call, listed, message, open, pause, post, until, url, visit, visitAs } from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const PLAN = {
  type: "plan",
  tasks: [
    { id: "1", title: "Find the decision", status: "complete" },
    { id: "2", title: "Compare prices", status: "in_progress", details: "In three shops" },
    { id: "3", title: "Write it down", status: "pending" },
  ],
};
const TITLE = "Search the orders";
const TOOL = { type: "tool", toolCallId: "1", name: "search_orders", title: TITLE, input: { query: "cups" } };
// Each construct of Markdown, and how often 64 KiB have them.
const WORDS = "Some **bold** words about cups, and more of them in a second line\nof the paragraph.";
const PARAGRAPHS = `## Cups\n\n${WORDS}\n\n- one\n- two\n\n`;
const REPEATS = Math.floor(63_000 / PARAGRAPHS.length);

// The text whose work is measured, and in how many pieces it is written.
const ROWS = "| cup |\n|---|\n| blue |\n\n";
const BLOCKS = `## Cups\n\nSome **bold** words about cups, and more of them.\n\n- one\n- two\n\n${ROWS}`;
const PIECES = 400;

const scroller = (page) => page.locator(".scroller");
const composerIn = (page) => page.locator(".composer textarea");
const foot = (page) => page.locator(".stream-foot");
const fold = (page, title) => page.locator("details.part").filter({ hasText: title });

// An answer of an agent grows with all of its parts, until the reader stops it. The next one ends by itself.
test("An answer grows with its parts, is stopped and is announced once", ["admin_token"], async ({ adminToken }) => {
  const { id, say } = await conversationWith(adminToken, "An answer");
  const page = await visitAs("alice", { init: noteAnnouncements });
  await open(page, "An answer");
  const asked = await say("alice", "Which cups?");
  const stream = await begin(id, { replyToId: asked.id });
  await foot(page).getByRole("button", { name: "Stop" }).waitFor();
  equal(await page.locator(`[data-id="${stream.id}"]`).getAttribute("aria-busy"), "true");
  await stream.add(0, "I look into the orders.", "reasoning");
  await fold(page, "Thinking…").waitFor();
  await stream.set(1, { ...TOOL, state: "input-available" });
  await fold(page, "Search the orders").getByText("running…").waitFor();
  await stream.set(1, { ...TOOL, state: "output-available", output: { found: 2 } });
  await stream.set(2, PLAN);
  await stream.add(3, "We want **blue", "text");
  await page.locator(".text strong").getByText("blue").waitFor();
  await stream.add(3, "** ones.\n\n```js\nlet cups");
  await page.locator(".code-block code").getByText("let cups").waitFor();
  const code = await page.locator(".code-block").elementHandle();
  await stream.add(3, " = 2;\n```\n\nThat is all.");
  await stream.set(4, { type: "source", url: "https://example.com/cups", title: "The cups", quote: "Blue is best." });
  await stream.set(5, { type: "source", messageId: asked.id });
  await page.getByRole("link", { name: "The cups" }).waitFor();
  const lines = (await page.locator("details.part summary").allInnerTexts()).map((each) => each.replace(/\s+/g, " "));
  deepEqual(lines, ["Reasoning", "Search the orders done", "Plan 1 of 3 done · Compare prices"]);
  await fold(page, "Search the orders").locator("summary").click();
  await fold(page, "Search the orders").locator("pre").nth(1).waitFor();
  deepEqual(await fold(page, "Search the orders").locator("pre").allInnerTexts(), [
    '{\n  "query": "cups"\n}',
    '{\n  "found": 2\n}',
  ]);
  ok(await code.evaluate((it) => it.isConnected));
  await foot(page).getByRole("button", { name: "Stop" }).press("Enter");
  await foot(page).getByText("Stopping…").waitFor();
  await stream.finish();
  await foot(page).getByText("Stopped.").waitFor();
  equal(await page.evaluate(() => document.activeElement.dataset.id), stream.id);
  const sources = (await page.locator(".sources li").allInnerTexts()).map((each) => each.replace(/\s+/g, " "));
  deepEqual(sources, ["[1]The cups Blue is best.", "[2]Message"]);
  const second = await begin(id, { replyToId: asked.id });
  await second.add(0, "Two of them.");
  await message(page, "Two of them.").waitFor();
  await second.finish();
  // The page may say something about other conversations of this reader too.
  const ofHelper = () => page.evaluate(() => window.announced.filter((text) => text.startsWith("Helper: ")));
  deepEqual(await until(ofHelper, (texts) => texts.length >= 2), [
    "Helper: We want blue ones.\n\nlet cups = 2;\n\nThat is all.",
    "Helper: Two of them.",
  ]);
});

// A long answer grows in a window that shows its end, then in one whose reader reads above it.
test("A long answer is followed only at its end", ["admin_token"], async ({ adminToken: token }) => {
  const { id, say } = await conversationWith(token, "A long one");
  const page = await visitAs("alice");
  await open(page, "A long one");
  for (let count = 0; count < 30; count++) await say("alice", `Before it ${count}`);
  await message(page, "Before it 29").waitFor();
  await atEnd(page);
  const stream = await begin(id, {});
  const whole = PARAGRAPHS.repeat(REPEATS);
  // Of its own length each, so that lines and signs are cut anywhere.
  for (let at = 0, size = 1; at < whole.length; at += size, size = 200 + ((size * 31) % 1_500))
    await stream.add(0, whole.slice(at, at + size));
  await until(() => page.locator(".message .heading").count(), (count) => count === REPEATS);
  ok((await until(() => left(page), (pixels) => pixels < 3)) < 3);
  // A little up: what the reader sees stays where it is.
  const first = page.locator(".message .heading").nth(REPEATS - 3);
  await scroller(page).hover();
  await page.mouse.wheel(0, -60);
  const before = await until(() => left(page), (pixels) => pixels > 40);
  ok(before > 40);
  const placeBefore = (await first.boundingBox()).y;
  for (let count = 0; count < 10; count++) await stream.add(0, `Paragraph ${count}\n\n`);
  await page.getByText("Paragraph 9").waitFor();
  equal((await first.boundingBox()).y - placeBefore, 0);
  ok((await left(page)) > before + 100);
  // Down to the end: it is followed again.
  await page.mouse.wheel(0, 10_000);
  await until(() => left(page), (pixels) => pixels < 3);
  for (let count = 10; count < 20; count++) await stream.add(0, `Paragraph ${count}\n\n`);
  await page.getByText("Paragraph 19").waitFor();
  ok((await until(() => left(page), (pixels) => pixels < 3)) < 3);
  // Nobody has asked for it, and she is no moderator.
  equal(await page.getByRole("button", { name: "Stop" }).count(), 0);
  const grown = await page.locator(`[data-id="${stream.id}"] .text`).innerHTML();
  await stream.finish();
  await foot(page).getByRole("img").waitFor({ state: "detached" });
  equal(await page.locator(`[data-id="${stream.id}"] .text`).innerHTML(), grown);
  equal(await page.locator(".message .heading").count(), REPEATS);
});

// Where else a stream may be: in a thread, and in the list while it begins.
test("An answer grows in the panel of its thread", ["admin_token"], async ({ adminToken: token }) => {
  const { id, say } = await conversationWith(token, "In a thread");
  const page = await visitAs("alice");
  await open(page, "In a thread");
  const root = await say("alice", "Let us talk.");
  const leftInPanel = () =>
    panel.locator(".thread").evaluate(({ parentElement: it }) => it.scrollHeight - it.scrollTop - it.clientHeight);
  for (let count = 0; count < 30; count++) await say("bob", `Reply ${count}`, { threadId: root.id });
  await page.locator(".replies").click();
  const panel = page.locator(".panel .panel-content");
  await panel.getByText("Reply 29").waitFor();
  await panel.hover();
  await page.mouse.wheel(0, 10_000);
  await until(leftInPanel, (pixels) => pixels < 3);
  const stream = await begin(id, { threadId: root.id });
  await panel.getByRole("button", { name: "Stop" }).waitFor();
  for (let count = 0; count < 30; count++) await stream.add(0, `Line ${count}\n\n`);
  await panel.getByText("Line 29").waitFor();
  ok((await until(leftInPanel, (pixels) => pixels < 3)) < 3);
  await page.mouse.wheel(0, -60);
  const before = await until(leftInPanel, (pixels) => pixels > 40);
  ok(before > 40);
  for (let count = 30; count < 40; count++) await stream.add(0, `Line ${count}\n\n`);
  await panel.getByText("Line 39").waitFor();
  ok((await leftInPanel()) > before + 100);
  await stream.finish({ state: "failed", error: { code: "busy", message: "The model is busy." } });
  await panel.getByText("The answer failed: The model is busy.").waitFor();
});

// All parts at the width of a phone, in both looks, folded and open, while the message grows and at its ends.
test("Parts fit a phone and axe finds nothing wrong", ["admin_token"], async ({ adminToken: token }) => {
  const { id, say } = await conversationWith(token, "On a phone");
  const page = await visitAs("alice", { viewport: { width: 320, height: 700 }, hasTouch: true, isMobile: true });
  await open(page, "On a phone");
  const asked = await say("alice", "Which cups?");
  const stream = await begin(id, { replyToId: asked.id });
  await passesAxe(page, "before its first word");
  await stream.add(0, "I look into the **orders**.", "reasoning");
  const long = "a long title ".repeat(9).trim();
  const failed = { state: "output-error", error: "The shop is closed.", output: "x".repeat(5_000) };
  await stream.set(1, { ...TOOL, title: long, ...failed });
  await stream.set(2, PLAN);
  await stream.add(3, "Blue ones, says https://example.com/a/very/long/address/of/a/page/about/cups .", "text");
  await stream.set(4, { type: "source", url: `https://example.com/${"x".repeat(200)}`, quote: "Blue. ".repeat(80) });
  await stream.set(5, { type: "source", messageId: asked.id, title: "The question" });
  await page.getByRole("button", { name: "The question" }).waitFor();
  await passesAxe(page, "folded");
  for (const line of await page.locator("details.part > summary").all()) await line.click();
  await passesAxe(page, "open");
  equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  ok(await page.locator(`[data-id="${stream.id}"]`).evaluate((it) => it.scrollWidth <= it.clientWidth));
  const heights = await page
    .locator("details.part > summary, .stream-foot button")
    .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().height));
  ok(heights.every((height) => height >= 44), `${heights}`);
  await stream.finish({ state: "failed" });
  await page.getByText("The answer failed.").waitFor();
  await passesAxe(page, "failed");
  await page.reload();
  await page.getByText("The answer failed.").waitFor();
  await passesAxe(page, "loaded");
});

// An agent works on an answer, says on what, repeats it, and writes, for a reader of each of two languages.
test("Readers see that an agent works and on what until it writes", ["admin_token"], async ({ adminToken: token }) => {
  const { id, say } = await conversationWith(token, "At work");
  const page = await visitAs("alice");
  await open(page, "At work");
  const german = await visit({ locale: "de-DE" });
  await german.getByLabel("Andere Nutzer-ID").fill("bob");
  await german.getByRole("button", { name: "Los", exact: true }).click();
  await listed(german, "At work").click();
  await german.getByRole("heading", { name: "At work", exact: true }).waitFor();
  await composerIn(german).waitFor();
  const line = page.locator(".typing");
  await line.evaluate((it) => {
    window.shown = [];
    const note = () => window.shown.push(it.textContent);
    new MutationObserver(note).observe(it, { subtree: true, childList: true, characterData: true });
  });
  await say("bob", "@helper which cups?");
  const turn = await claim(id);
  await line.getByText("Helper is working…").waitFor();
  await german.locator(".typing").getByText("Helper arbeitet …").waitFor();
  await turn.update("Looking for the order…");
  await line.getByText("Helper: Looking for the order…").waitFor();
  await turn.update("Looking for the order…");
  await composerIn(german).fill("And");
  await becomes(() => line.textContent(), "bob is typing… · Helper: Looking for the order…");
  await composerIn(german).fill("");
  await until(() => line.textContent(), (text) => !text.includes("typing"));
  equal(await german.locator(".typing").innerText(), "Helper: Looking for the order…");
  equal(await line.getAttribute("aria-live"), "polite");
  const stream = await begin(id, { turn: turn.token });
  await becomes(() => line.textContent(), "");
  await stream.add(0, "Blue ones.");
  await message(page, "Blue ones.").waitFor();
  await turn.renew();
  await stream.finish();
  await say("bob", "Thank you");
  await message(page, "Thank you").waitFor();
  deepEqual(await page.evaluate(() => window.shown.filter((text, index, all) => text !== all[index - 1])), [
    "Helper is working…",
    "Helper: Looking for the order…",
    "bob is typing… · Helper: Looking for the order…",
    "Helper: Looking for the order…",
    "",
  ]);
  // What it repeats changes nothing, and so is announced once.
  equal(await page.evaluate(() => window.shown.length), 5);
});

// What a working agent may say at most, at the width of a phone, in both looks.
test("What a working agent says fits a phone", ["admin_token"], async ({ adminToken: token }) => {
  const { id, say } = await conversationWith(token, "Busy");
  const page = await visitAs("alice", { viewport: { width: 320, height: 700 }, hasTouch: true, isMobile: true });
  await open(page, "Busy");
  for (let count = 0; count < 20; count++) await say("bob", `Before it ${count}`);
  await message(page, "Before it 19").waitFor();
  await atEnd(page);
  await say("bob", "@helper which cups?");
  const turn = await claim(id);
  await page.locator(".typing").getByText("Helper is working…").waitFor();
  await passesAxe(page, "works");
  const more = "two markets and one very long warehouse catalogue …";
  const label = `Comparing the prices of blue cups in three shops, ${more}`.slice(0, 100);
  await turn.update(label);
  await page.locator(".typing").getByText(`Helper: ${label}`).waitFor();
  await passesAxe(page, "says on what");
  equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  ok((await until(() => left(page), (pixels) => pixels < 3)) < 3);
});

// How long the page works for what is added to a text, from its beginning to its end, in milliseconds.
test("What is added to a long text costs as much as at its beginning", ["admin_token"], async ({ adminToken }) => {
  const { id } = await conversationWith(adminToken, "Work");
  const page = await visitAs("alice");
  await open(page, "Work");
  const stream = await begin(id, {});
  const whole = BLOCKS.repeat(Math.floor(63_000 / BLOCKS.length));
  const size = Math.floor(whole.length / PIECES);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const scriptMs = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find((each) => each.name === "ScriptDuration").value * 1_000;
  };
  const spent = [];
  for (let piece = 0; piece < PIECES; piece++) {
    if (piece % (PIECES / 8) === 0) spent.push(await scriptMs());
    await stream.add(0, whole.slice(piece * size, (piece + 1) * size));
    // The server joins what comes faster.
    await pause(60);
  }
  spent.push(await scriptMs());
  await stream.finish();
  const eighths = spent.slice(1).map((each, index) => each - spent[index]);
  ok(Math.max(...eighths.slice(-2)) < 1.7 * Math.max(...eighths.slice(0, 2)), `${eighths}`);
});

// Returns how far the end of the open conversation is below what is in sight.
function left(page) {
  return scroller(page).evaluate((it) => it.scrollHeight - it.scrollTop - it.clientHeight);
}

// Runs in the page before it. Notes what its live regions have.
function noteAnnouncements() {
  window.announced = [];
  new MutationObserver(() => {
    for (const region of document.querySelectorAll(":is([aria-live], [role=log]):not([aria-live=off])")) {
      const text = region.textContent.trim();
      if (text !== "" && text !== window.announced.at(-1)) window.announced.push(text);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

async function conversationWith(token, name) {
  await call("GET", "users/me", "alice");
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const body = JSON.stringify({ name: "Helper", kind: "agent", ownerId: "olga" });
  const answer = await fetch(`${url}/api/v1/users/helper`, { method: "PUT", headers, body });
  if (!answer.ok) throw new Error(`the agent was answered with ${answer.status}: ${await answer.text()}`);
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice", "helper"], name });
  const say = (user, content, more) => post("messages", user, { conversationId: id, content, ...more });
  return { id, say };
}

// Opens a stream of the agent, which is written past the page.
async function begin(conversationId, more) {
  const body = { conversationId, clientMessageId: crypto.randomUUID(), ...more };
  const { message: opened, attempt } = await post("messages/stream", "helper", body);
  const write = (name, what) => post(`messages/${opened.id}/${name}`, "helper", { attempt, ...what });
  return {
    id: opened.id,
    add: (part, text, type) => write("append", { part, text, ...(type && { type }) }),
    set: (part, value) => write("append", { part, set: value }),
    finish: (how = {}) => write("finish", how),
  };
}

// Claims the only turn of the agent.
async function claim(conversationId) {
  const { turns } = await post("turns/claim", "helper", { conversationId, wait: 30 });
  const [{ id, token }] = turns;
  const update = (more) => call("PATCH", `turns/${id}`, "helper", { turn: token, ...more });
  return { token, renew: () => update({}), update: (label) => update({ label }) };
}
