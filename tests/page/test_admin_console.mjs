// The operators' console at `/admin`.
import { deepEqual, equal, ok } from "node:assert/strict";
import { createServer } from "node:http";
import { passesAxe } from "./axe.mjs";
import { call, post, until, url, visit, visitAs } from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const CONSOLE = ["console_server", "admin_token"];

// What the server answers to the admin, past the page.
async function asAdmin(token, method, path, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

async function login(email, password, register = {}) {
  const body = JSON.stringify({ email, password, ...register });
  const path = "name" in register ? "register" : "login";
  const headers = { "Content-Type": "application/json" };
  return fetch(`${url}/api/v1/auth/${path}`, { method: "POST", headers, body });
}

// An endpoint of an application: it notes the types of events, and answers with `status`.
async function endpoint() {
  const at = { status: 200, received: [] };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => {
      body += bytes;
    });
    request.on("end", () => {
      at.received.push(JSON.parse(body).type);
      // Nothing comes again by itself while a test runs.
      response.writeHead(at.status, { "Retry-After": 36_000 }).end(at.status === 200 ? "" : "No database");
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  server.unref();
  return Object.assign(at, { url: `http://127.0.0.1:${server.address().port}/hook` });
}

// The console of an admin, who has opened it with a token in its address.
async function visitConsole(token, options = {}) {
  const page = await visit({ ...options, path: `/admin#token=${token}` });
  await heading(page, "Overview").waitFor();
  return page;
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true });
const rows = (page) => page.locator(".admin-table tbody tr");
const status = (page, text) => page.getByRole("status").getByText(text);

async function goTo(page, section, title = section) {
  await page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name: section, exact: true }).click();
  await heading(page, title).waitFor();
}

// Has something to show in every section.
async function fill(token) {
  const hook = await endpoint();
  const webhook = await asAdmin(token, "POST", "webhooks", { url: hook.url, description: "The shop" });
  await post("messages", "bob", { conversationId: "general", content: "For the webhook" });
  await until(() => hook.received.includes("message:new"), Boolean);
  await login("nobody@example.com", "wrong password");
  await tireAgents(token);
  return { hook, webhook };
}

// Two agents answer each other until the server stops them, so a turn of one has failed.
async function tireAgents(token) {
  const agents = ["robot-a", "robot-b"];
  for (const agent of agents) {
    await call("GET", "users/me", agent);
    await asAdmin(token, "PUT", `users/${agent}`, { kind: "agent" });
  }
  await asAdmin(token, "POST", "conversations/general/members", { userIds: agents });
  for (const [by, content] of [
    ["bob", "@robot-a What is the weather like?"],
    ["robot-a", "Sunny"],
    ["robot-b", "Rainy"],
    ["robot-a", "@robot-b Why?"],
  ])
    await post("messages", by, { conversationId: "general", content });
}

const SECTIONS = [
  ...["Overview", "Refusals", "Limits", "Settings", "Users", "Conversations", "Connections", "Reports", "Audit log"],
  ...["Webhooks", "Push", "Agents"],
];

// Each section shows what the server has, and axe finds nothing wrong with it.
async function everySection(token, viewport) {
  const { webhook } = await fill(token);
  const bob = await visitAs("bob");
  const { id } = (await asAdmin(token, "GET", "conversations/general/messages?limit=1")).items[0];
  await post(`messages/${id}/report`, "alice", { reason: "spam", note: "Again" });
  const page = await visitConsole(token, { viewport });
  const check = async (name, place) => {
    await page.locator(place).first().waitFor();
    ok(await page.locator("nav a[aria-current]").evaluate(isInSight), `${name}: its link is out of sight`);
    await passesAxe(page, name);
  };
  for (const section of SECTIONS) {
    await goTo(page, section);
    await check(section, section === "Push" ? ".admin-facts" : ".admin-table tbody tr");
    if (section !== "Push") ok((await rows(page).count()) > 0, `${section} is empty`);
  }
  await goTo(page, "Overview");
  // axe wants targets 24 pixels apart, which depends on the machine's fonts.
  await page.locator(".admin-attention a").first().waitFor();
  const heights = await page
    .locator(".admin-attention a")
    .evaluateAll((links) => links.map((link) => link.getBoundingClientRect().height));
  ok(heights.length > 0 && Math.min(...heights) >= 24, `heights of links: ${heights}`);
  const item = async (address, title, place) => {
    await page.evaluate((hash) => location.assign(hash), address);
    await heading(page, title).waitFor();
    await check(address.split("/")[1], place);
  };
  await item("#/users/bob", "bob", ".admin-facts");
  await page.getByRole("button", { name: "Ban…" }).click();
  await check("ban", "dialog[open]");
  await page.keyboard.press("Escape");
  await item(`#/webhooks/${webhook.id}`, webhook.url, ".admin-table tbody tr");
  await item("#/conversations/general", "general", ".admin-table tbody tr");
  equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  await asAdmin(token, "DELETE", `webhooks/${webhook.id}`);
  await bob.context().close();
}

// Lists scroll by whole pixels.
function isInSight(element) {
  const { left, right } = element.getBoundingClientRect();
  return left > -1 && right < innerWidth + 1;
}

test("Every section shows what the server has and passes axe on a wide screen", CONSOLE, ({ adminToken: token }) =>
  everySection(token, { width: 1280, height: 800 }),
);

test("Every section shows what the server has and passes axe on a narrow screen", CONSOLE, ({ adminToken: token }) =>
  everySection(token, { width: 320, height: 640 }),
);

// An operator finds a user, ends a sign-in and a connection, and bans and unbans the user, with the keyboard alone.
test("An operator bans and unbans with the keyboard alone", CONSOLE, async ({ adminToken: token }) => {
  await login("eve@example.com", "correct horse", { name: "Eve Example" });
  const eve = (await (await login("eve@example.com", "correct horse")).json()).user;
  const page = await visitConsole(token);
  await goTo(page, "Users");
  await rows(page).first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("Eve Ex");
  await page.waitForFunction(() => document.querySelectorAll(".admin-table tbody tr").length === 1);
  // The first letters may have been enough for that.
  equal(await until(() => new URL(page.url()).hash, (hash) => hash.endsWith("Ex")), "#/users?q=Eve+Ex");
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll(".admin-table tbody tr").length === 1);
  equal(await page.getByRole("searchbox").inputValue(), "Eve Ex");
  await press(page, "link", "Eve Example");
  await heading(page, "Eve Example").waitFor();
  await rows(page).nth(1).waitFor();
  equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  await press(page, "button", "End");
  await press(page, "button", "End", page.getByRole("dialog", { name: "End this sign-in?" }));
  await status(page, "The sign-in has ended.").waitFor();
  await becomes(() => rows(page).count(), 1);
  await press(page, "button", "Ban…");
  await page.getByRole("dialog", { name: "Ban Eve Example?" }).waitFor();
  await page.keyboard.type("Spam");
  await press(page, "button", "Ban", page.getByRole("dialog"));
  await status(page, "Eve Example is banned.").waitFor();
  equal((await login("eve@example.com", "correct horse")).status, 403);
  await page.locator(".admin-facts").getByText("Spam").waitFor();
  await press(page, "button", "Unban…");
  await press(page, "button", "Unban", page.getByRole("dialog", { name: "Unban Eve Example?" }));
  await status(page, "Eve Example is no longer banned.").waitFor();
  await press(page, "link", "Refusals", page.getByRole("navigation", { name: "More about this user" }));
  await heading(page, "Refusals").waitFor();
  await page.locator(".admin-table").getByText("The user is banned").first().waitFor();
  equal((await login("eve@example.com", "correct horse")).status, 200);
  equal(new URL(page.url()).hash, `#/refusals?userId=${encodeURIComponent(eve.id)}`);
});

// An operator keeps what a conversation without a name has, sets how long, and deletes it.
test("An operator holds, keeps and deletes a conversation", CONSOLE, async ({ adminToken: token }) => {
  const { id } = await post("conversations", "alice", { kind: "direct", memberIds: ["bob"] });
  const { id: channel } = await post("conversations", "alice", { kind: "channel", name: "News", memberIds: ["bob"] });
  await post("messages", "bob", { conversationId: channel, content: "x" }).catch(String);
  await post("messages", "carol", { conversationId: id, content: "x" }).catch(String);
  const page = await visitConsole(token, { expected: /409/ });
  await goTo(page, "Refusals");
  const linkTo = (conversationId) => page.locator(`td a[href="#/conversations/${conversationId}"]`);
  const why = (conversationId) => rows(page).filter({ has: linkTo(conversationId) }).locator("td").nth(2).innerText();
  equal(await why(channel), "Only the owner and admins write in the channel\nforbidden: read_only");
  equal(await why(id), "Not a member of the conversation\nforbidden: not_member");
  await goTo(page, "Conversations");
  await linkTo(id).click();
  await heading(page, "alice, bob").waitFor();
  await rows(page).nth(1).waitFor();
  const stored = () => asAdmin(token, "GET", `conversations/${id}`);
  const act = async (button, dialog, action, outcome) => {
    await page.getByRole("button", { name: button, exact: true }).click();
    const asked = page.getByRole("dialog", { name: dialog });
    if (button === "Retention…") await asked.getByLabel("Days").fill("30");
    await asked.getByRole("button", { name: action, exact: true }).click();
    await status(page, outcome).waitFor();
  };
  await act("Retention…", "How long are messages kept here?", "Save", "The retention is saved.");
  await page.getByText("30 days").waitFor();
  await act("Hold…", "Place a hold on this conversation?", "Place hold", "The conversation is on hold.");
  const { hold, retentionDays } = await stored();
  equal(hold, true);
  equal(retentionDays, 30);
  await page.getByRole("button", { name: "Delete…" }).click();
  const asked = page.getByRole("dialog", { name: "Delete this conversation?" });
  await asked.getByRole("button", { name: "Delete", exact: true }).click();
  await asked.getByText("on hold").waitFor();
  await page.keyboard.press("Escape");
  await act("Lift hold…", "Lift the hold?", "Lift hold", "The hold is lifted.");
  await act("Delete…", "Delete this conversation?", "Delete", "The conversation is deleted.");
  await heading(page, "Conversations").waitFor();
  const gone = await stored().catch(String);
  ok(gone.includes(" answered 404: "), gone);
});

// Goes to the element with Tab, as far as it takes, and presses Enter there.
async function press(page, role, name, within = page) {
  const wanted = within.getByRole(role, { name, exact: true }).first();
  await wanted.waitFor();
  const isThere = () => wanted.evaluate((element) => element === document.activeElement);
  for (let steps = 0; !(await isThere()); steps++) {
    if (steps > 200) throw new Error(`Tab does not lead to the ${role} ${name}`);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
}

// An operator sees that a connection has ended, and which events an endpoint has not received.
test("An operator ends a connection and rewinds a webhook", CONSOLE, async ({ server, adminToken: token }) => {
  const { hook, webhook } = await fill(token);
  const bob = await visitAs("bob");
  const page = await visitConsole(token);
  await goTo(page, "Connections");
  const field = page.getByLabel("User ID");
  await field.fill("bob");
  await page.waitForFunction(() => location.hash === "#/connections?userId=bob");
  // The first row may still be one of the list before the answer.
  const row = rows(page).filter({ hasText: "bob" }).first();
  equal(await row.locator("td").nth(2).textContent(), "messenger");
  const choices = page.getByLabel("Dialect").locator("option");
  await choices.nth(1).waitFor({ state: "attached" });
  const offered = await choices.evaluateAll((options) => options.map(({ value }) => value));
  deepEqual(offered, ["", ...(await server.dialects())]);
  const reconnected = bob.waitForEvent("websocket");
  await row.getByRole("button", { name: "End" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
  await status(page, "The connection has ended.").waitFor();
  await reconnected;
  hook.status = 500;
  await post("messages", "bob", { conversationId: "general", content: "Not accepted" });
  await goTo(page, "Overview");
  const failing = /^Events of 1 conversation or user wait for the webhook/;
  await page.locator(".admin-attention").getByRole("link", { name: failing }).click();
  await heading(page, hook.url).waitFor();
  await rows(page).getByText("500").first().waitFor();
  await rows(page).filter({ hasText: "message:new" }).getByText("No database").first().waitFor();
  hook.status = 200;
  const waiting = hook.received.length;
  await page.getByRole("button", { name: "Send again now" }).click();
  await status(page, "Events that failed are being sent again.").waitFor();
  await becomes(() => hook.received.slice(waiting).includes("message:new"), true);
  const before = hook.received.length;
  await page.getByRole("button", { name: "Rewind…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rewind", exact: true }).click();
  await status(page, "The webhook continues from the chosen position.").waitFor();
  ok((await until(() => hook.received.length - before, (more) => more > 10)) > 10);
  await page.locator(".admin-facts").getByText("delivers").waitFor();
  await page.getByRole("button", { name: "Send a test event" }).click();
  await status(page, "The endpoint responded with 200.").waitFor();
  ok(hook.received.includes("webhook:test"));
  await page.getByRole("button", { name: "Delete…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await heading(page, "Webhooks").waitFor();
  const { items } = await asAdmin(token, "GET", "webhooks");
  equal(items.filter(({ id }) => id === webhook.id).length, 0);
});

// Decides reports of a message that was edited since, which goes, and of one that its author has deleted meanwhile.
test("An operator decides a report", CONSOLE, async ({ adminToken: token }) => {
  await post("messages", "bob", { conversationId: "general", content: "A long text. ".repeat(99) });
  await post("messages", "bob", { conversationId: "general", content: "Hello" });
  const edited = await reported("Buy this", "Every day");
  const deleted = await reported("Buy that", "Every week");
  await call("PATCH", `messages/${edited}`, "bob", { content: "Good morning" });
  await call("DELETE", `messages/${deleted}`, "bob");
  await call("PATCH", "users/me", "alice", { name: "Alice Reporter" });
  const page = await visitConsole(token);
  const asked = [];
  page.on("request", (request) => request.url().endsWith("/users/alice") && asked.push(request.url()));
  await page.getByRole("link", { name: /report.* open\.$/ }).click();
  const rowOf = (note) => rows(page).filter({ hasText: note });
  const dialog = page.getByRole("dialog");
  const choices = page.getByLabel("Decision");
  const conversation = await asAdmin(token, "GET", "conversations/general");
  for (const [name, id] of [["Alice Reporter", "alice"], [conversation.name, "general"]])
    equal(await rowOf("Every day").getByRole("link", { name, exact: true }).getAttribute("title"), id);
  await rowOf("Every week").getByRole("link", { name: "Alice Reporter" }).waitFor();
  equal(asked.length, 1);
  await call("PATCH", "users/me", "alice", { name: "alice" });
  await rowOf("Every week").getByRole("button", { name: "Decide…" }).click();
  await dialog.getByText("deleted after the report").waitFor();
  deepEqual(await quotes(dialog), ["Buy that"]);
  equal(await choices.locator("option").count(), 4);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await rowOf("Every day").getByRole("button", { name: "Decide…" }).click();
  await dialog.getByText("edited after the report").waitFor();
  deepEqual(await quotes(dialog), ["Buy this", "Good morning"]);
  const items = (place) => dialog.getByRole("list", { name: place }).getByRole("listitem");
  equal(await items("After it").last().innerText(), "bob A deleted message.");
  equal(await items("Before it").last().innerText(), "bob Hello");
  const conversationLink = dialog.getByRole("link", { name: "Open the conversation" });
  equal(await conversationLink.getAttribute("href"), "#/conversations/general");
  const isNearestShown = (list) => {
    const rest = list.scrollHeight - list.clientHeight;
    return rest > 0 && rest - list.scrollTop < 1;
  };
  ok(await dialog.getByRole("list", { name: "Before it" }).evaluate(isNearestShown));
  await choices.selectOption({ label: "Delete it for everyone" });
  await page.getByLabel("Reason").fill("Advertising");
  await dialog.getByRole("button", { name: "Decide", exact: true }).click();
  await status(page, "The report is decided.").waitFor();
  await rowOf("Every day").waitFor({ state: "detached" });
  await page.getByLabel("State").selectOption("resolved");
  equal(await rowOf("Every day").getByText("deleted", { exact: true }).textContent(), "deleted");
  await goTo(page, "Audit log");
  const entry = rows(page).filter({ hasText: "report-resolve" }).filter({ hasText: "Advertising" }).first();
  await entry.getByRole("link", { name: "general" }).waitFor();
  equal((await asAdmin(token, "GET", `messages/${edited}`)).content ?? "", "");
});

async function reported(content, note) {
  const message = await post("messages", "bob", { conversationId: "general", content });
  await post(`messages/${message.id}/report`, "alice", { reason: "spam", note });
  return message.id;
}

const quotes = (dialog) => dialog.locator("blockquote").allTextContents();

// Somebody without the role is refused plainly; the same account session as in the chat is used.
test("Somebody without the role learns so and sees nothing", CONSOLE, async ({ adminToken: token }) => {
  const page = await visit({ path: "/admin", expected: /status of 40[13]/ });
  await login("frank@example.com", "correct horse", { name: "Frank" });
  await page.getByLabel("E-mail").fill("frank@example.com");
  await page.getByLabel("Password").fill("wrong horse");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  equal(await page.locator(".problem:not(:empty)").textContent(), "The e-mail address or the password is wrong.");
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await heading(page, "You are not an administrator").waitFor();
  await passesAxe(page, "denied");
  equal(await page.getByRole("navigation").count(), 0);
  // Tokens of links: Frank stays with the first two.
  for (const [linked, text] of [
    ["nonsense", "Signed in as Frank"],
    [token, "You are signed in as Frank. This link signs in as Olga Brandt."],
  ]) {
    await page.goto(`${url}/admin#token=${linked}`);
    await page.getByText(text).waitFor();
    await page.getByRole("button", { name: "Stay as Frank" }).click();
    await heading(page, "You are not an administrator").waitFor();
  }
  await page.getByRole("link", { name: "Open the chat" }).click();
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Settings" }).waitFor();
  equal(await page.getByRole("menuitem", { name: "Console" }).count(), 0);
  await page.goto(`${url}/admin#token=${token}`);
  await page.getByRole("button", { name: "Continue as Olga Brandt" }).click();
  await heading(page, "Overview").waitFor();
});

// Decides the reports of other tests, to which the menu of the chat would lead.
async function dismissOthers(token) {
  const { items } = await asAdmin(token, "GET", "reports?state=open&limit=100");
  for (const { id } of items) await asAdmin(token, "PATCH", `reports/${id}`, { state: "dismissed", reason: "Old" });
}

// The console and the chat share a session. The menu of an admin's account leads to the console.
test("The chat's menu leads an admin to the console", CONSOLE, async ({ adminToken: token }) => {
  await dismissOthers(token);
  const page = await visitConsole(token);
  await page.getByRole("link", { name: "Open the chat" }).click();
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Console" }).press("Enter");
  await heading(page, "Overview").waitFor();
  equal(await page.title(), "Overview · Talkwire console");
  await page.getByRole("button", { name: "Sign out" }).click();
  await heading(page, "Sign in to the console").waitFor();
  await page.goto(url);
  await page.getByLabel("Another user ID").waitFor();
});

// An admin learns in the chat of reports that wait, and the menu leads to them. Others do not ask for reports.
test("An admin learns in the chat of reports that wait", CONSOLE, async ({ adminToken: token }) => {
  await dismissOthers(token);
  const bob = await visitAs("bob");
  const asked = [];
  bob.on("request", (request) => request.url().includes("/reports") && asked.push(request.url()));
  await bob.reload();
  await account(bob).click();
  await bob.getByRole("menuitem", { name: "Settings" }).waitFor();
  await returnTo(bob);
  const page = await visitConsole(token);
  const answered = page.waitForResponse((response) => response.url().includes("/reports?state=open&limit=10"));
  await page.getByRole("link", { name: "Open the chat" }).click();
  await answered;
  await account(page).waitFor();
  equal(await account(page).getByText("open report").count(), 0);
  await reported("Wait", "Every month");
  await returnTo(page);
  await page.getByRole("button", { name: /^Your account.* 1 open report$/ }).waitFor();
  await reported("Wait longer", "Every year");
  await account(page).click();
  await page.getByRole("menuitem", { name: "Console, 2 open reports", exact: true }).press("Enter");
  await heading(page, "Reports").waitFor();
  await rows(page).filter({ hasText: "Every year" }).waitFor();
  equal(await rows(page).count(), 2);
  deepEqual(asked, []);
});

const account = (page) => page.getByRole("button", { name: /^Your account/ });

// An operator lets a turn begin again that has failed.
test("An operator retries a turn of an agent", CONSOLE, async ({ adminToken: token }) => {
  await tireAgents(token);
  const page = await visitConsole(token, { viewport: { width: 1280, height: 800 } });
  await page.getByRole("link", { name: /^robot-b has given up/ }).click();
  await heading(page, "Agents").waitFor();
  const failed = page.getByRole("region", { name: "Turns that have failed" }).locator("tbody tr");
  const row = failed.filter({ hasText: "depth" }).first();
  await row.waitFor();
  const before = await failed.count();
  await row.getByRole("button", { name: "Retry" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
  await status(page, "The turn can be claimed again.").waitFor();
  await becomes(() => failed.count(), before - 1);
  const waiting = (await asAdmin(token, "GET", "admin/agents")).items.filter(({ agentId }) => agentId === "robot-b");
  ok(waiting[0].open >= 1);
});

// The window gets the focus again.
const returnTo = (page) => page.evaluate(() => dispatchEvent(new Event("focus")));
