// What users write is text, whatever it looks like.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  call,
  composer,
  conversations,
  message,
  open,
  opened,
  post,
  say,
  start,
  submitAccount,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { test } from "./scenario_tests.mjs";
import { HOSTILE, NAMES } from "./corpus/hostile.mjs";

const MARKUP = "<img src=x onerror=alert(1)>";

test("Markup in messages and names is shown as text", [], async () => {
  const mallory = await visit();
  await submitAccount(mallory, { Name: MARKUP, "E-mail": "mallory@example.com", Password: "correct horse" });
  await start(mallory, ["alice", "bob"], MARKUP);
  await opened(mallory, MARKUP);
  await say(mallory, MARKUP);
  await say(mallory, "[click](javascript:alert(1)) ![x](https://example.com/x.png) <script>alert(1)</script>");
  const alice = await visitAs("alice");
  await open(alice, MARKUP);
  await message(alice, MARKUP).waitFor();
  // A message that comes after the typing would end it.
  await alice.locator(".message .text a").waitFor();
  await composer(mallory).pressSequentially("x");
  await alice.getByText(`${MARKUP} is typing…`).waitFor();
  equal(await alice.locator(".message .name").first().textContent(), MARKUP);
  equal(await conversations(alice).first().locator(".name").textContent(), MARKUP);
  // The logo is the page's own.
  equal(await alice.locator("img:not(.logo), script:not([src])").count(), 0);
  deepEqual(await alice.locator(".text a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))), [
    "https://example.com/x.png",
  ]);
});

// Everything that a user can set is set to something hostile; whatever the server refuses is of no use to anybody.
// Returns the id of a message with a thread.
async function write(id) {
  let taken = 0;
  const set = async (doing) => {
    try {
      const answer = await doing();
      taken++;
      return answer;
    } catch {
      return undefined;
    }
  };
  const posted = (body) => post("messages", "alice", { conversationId: id, ...body });
  let root;
  for (const [index, content] of HOSTILE.entries()) {
    const profile = { name: NAMES[index % NAMES.length], text: content.slice(0, 90) };
    await set(() => call("PATCH", "users/me", "alice", profile));
    const message = await set(() => posted({ content }));
    const { id: edited } = await posted({ content: "before" });
    await set(() => call("PATCH", `messages/${edited}`, "alice", { content: `${content} edited` }));
    if (message === undefined) continue;
    root ??= message.id;
    await set(() => posted({ content: "answer", replyToId: message.id }));
    await set(() => posted({ content, threadId: root }));
    await set(() => call("PUT", `messages/${message.id}/reactions/${encodeURIComponent(content)}`, "alice"));
    await set(() => attach(id, content));
    if (index % 4 === 0) await set(() => call("PUT", `messages/${message.id}/pin`, "alice"));
    const offer = { title: content.slice(0, 100), description: content, amount: 1, currency: "EUR" };
    if (index % 4 === 1) await set(() => post(`conversations/${id}/offers`, "alice", offer));
  }
  for (const name of NAMES) {
    await set(() => post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name }));
  }
  await posted({ content: "the last one, @bob" });
  ok(taken > 300, `the server took ${taken}`);
  return root;
}

async function attach(conversationId, name) {
  const form = new FormData();
  form.append("file", new Blob(["<script>hit(60)</script>"], { type: "text/html" }), name);
  const answer = await fetch(`${url}/api/v1/files?userId=alice`, { method: "POST", body: form });
  if (!answer.ok) throw new Error(`the file was answered with ${answer.status}`);
  const { id } = await answer.json();
  await post("messages", "alice", { conversationId, content: "", attachments: [{ id }] });
}

// What is on the page that no text of a user's may have put there.
function planted() {
  const wrong = [];
  const root = document.getElementById("root");
  const forbidden = "script, iframe, object, embed, base, meta, link, style, math, animate, use";
  for (const element of root.querySelectorAll(forbidden)) wrong.push(element.outerHTML.slice(0, 100));
  for (const element of root.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on/i.test(name)) wrong.push(`${name}=${value}`);
      const leads = ["href", "src", "action", "formaction", "xlink:href", "data", "srcset", "poster"].includes(name);
      const isLink = leads && /^(https?:|mailto:|blob:http|#|$)/.test(new URL(value, location.href).href.trim());
      if (leads && !isLink) wrong.push(`${name}=${value}`);
      if (name === "src" && new URL(value, location.href).origin !== location.origin) wrong.push(`src=${value}`);
    }
  }
  return wrong;
}

test("Nothing runs or leaves, whatever users write wherever they may", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Hostile" });
  await post(`conversations/${id}/offers`, "bob", { title: "x", amount: 1, currency: "EUR" });
  const root = await write(id);
  const elsewhere = [];
  const bob = await visitAs("bob", {
    // Addresses of conversations that are none.
    expected: /status of (403|404|422)/,
    init: () => {
      window.hit = (number) => console.error(`ran: ${number}`);
      window.alert = () => console.error("ran: an alert");
    },
  });
  bob.context().on("request", (request) => {
    const isOwn = new URL(request.url()).origin === new URL(url).origin || /^(blob|data):/.test(request.url());
    if (!isOwn) elsewhere.push(request.url());
  });
  const look = async () => deepEqual(await bob.evaluate(planted), []);
  await bob.goto(`${url}/#/conversation/${id}`);
  await bob.locator(".message").first().waitFor();
  const seen = new Set();
  await bob.mouse.move(700, 350);
  const wheel = async (pixels) => {
    await bob.mouse.wheel(0, pixels);
    // What is not drawn is not seen.
    await bob.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const rows = bob.locator(".row [data-id]");
    for (const each of await rows.evaluateAll((all) => all.map(({ dataset }) => dataset.id))) seen.add(each);
    await look();
  };
  // To the first message, however long its page is on its way, and back to the last one.
  const ids = await messagesOf(id, "bob");
  const isDrawn = (message) => bob.locator(`.row [data-id="${message}"]`).isVisible();
  for (let step = 0; step < 1_000 && !(await isDrawn(ids[0])); step++) await wheel(-1_500);
  for (let step = 0; step < 1_000 && !(await isDrawn(ids.at(-1))); step++) await wheel(1_500);
  // A busy machine scrolls past some of them.
  for (const each of ids.filter((message) => !seen.has(message))) {
    await bob.evaluate((hash) => {
      location.hash = hash;
    }, `#/conversation/${id}/${each}`);
    await bob.locator(`.row [data-id="${each}"]`).waitFor();
    await wheel(0);
  }
  deepEqual(ids.filter((each) => !seen.has(each)), []);
  ok(seen.size > 150, `${seen.size} messages were seen`);
  // Wide enough for all buttons of the header beside a panel.
  await bob.setViewportSize({ width: 1280, height: 700 });
  const panels = [["Details"], ["Search"], ["Offers", ".offer"], [/[Pp]inned/, ".find"]];
  for (const [name, loaded] of panels) {
    await bob.locator(".conversation > header").getByRole("button", { name }).first().click();
    await bob.locator(".panel").waitFor();
    if (loaded !== undefined) await bob.locator(".panel").locator(loaded).first().waitFor();
    if (name === "Search") await searching(bob, look);
    await look();
  }
  await bob.goto(`${url}/#/conversation/${id}/${root}`);
  await bob.reload();
  await bob.locator(".message").first().waitFor();
  for (const text of HOSTILE) await composer(bob).fill(text);
  await look();
  for (const text of [...HOSTILE, "%", "%E0%A4%A", "__proto__"]) {
    await bob.evaluate((hash) => {
      location.hash = hash;
    }, `#/conversation/${text}/${encodeURIComponent(text)}`);
    await look();
  }
  deepEqual(elsewhere, []);
});

// The ids of a conversation's messages, the oldest first.
async function messagesOf(conversationId, user) {
  const path = `conversations/${conversationId}/messages?threads=collapsed&limit=100`;
  const found = [];
  for (let page = { next: null }; found.length === 0 || page.next !== null; ) {
    page = await call("GET", page.next === null ? path : `${path}&before=${page.next}`, user);
    found.push(...page.items);
  }
  return found.sort((one, other) => one.seq - other.seq).map(({ id }) => id);
}

async function searching(page, look) {
  const field = page.locator(".panel input").first();
  for (const text of HOSTILE.slice(0, 12)) {
    await field.fill(text);
    await look();
  }
  await field.fill("script");
  await page.locator(".panel .find").first().waitFor();
  await look();
}
