// What users see who are banned from a conversation, or from the server.
import { deepEqual, equal } from "node:assert/strict";
import {
  LOST,
  call,
  choose,
  enterAs,
  kept,
  message,
  open,
  post,
  submitAccount,
  until,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const DAY_MS = 24 * 3_600_000;
const inDays = (days) => new Date(Date.now() + days * DAY_MS).toISOString();

// The notice and the refused attempt to join again say why, and until when.
test("A banned user sees why and until when", [], async () => {
  // What the page loads of a conversation may be refused when the membership ends meanwhile.
  const bob = await visitAs("bob", { expected: /status of 403/ });
  const notice = bob.locator(".notice");
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Rowing club" });
  await call("PATCH", `conversations/${id}`, "alice", { public: true });
  await open(bob, "Rowing club");
  await call("PUT", `conversations/${id}/bans/bob`, "alice", { until: inDays(1), reason: "Too loud" });
  await notice.getByText("Rowing club").waitFor();
  const shown = await notice.locator("p, span").first().textContent();
  equal(withoutTime(shown), "You were banned from Rowing club until TIME: Too loud");
  await notice.getByRole("button", { name: "Close" }).click();

  await bob.getByRole("button", { name: "Browse public conversations" }).first().click();
  const browse = bob.locator("dialog.browse");
  await browse.locator("input").first().fill("Rowing");
  const found = browse.locator("li", { hasText: "Rowing club" });
  await found.waitFor();
  equal(await found.locator(".avatar svg").count(), 1);
  await browse.getByRole("button", { name: /^Join/ }).first().click();
  const refused = await bob.getByText(/You are banned/).first().textContent();
  equal(withoutTime(refused), "You are banned from this conversation until TIME: Too loud");
  await bob.keyboard.press("Escape");
  await open(bob, "general");

  // An end of the membership that is no ban is none, and a ban without an end and a reason has none.
  await call("DELETE", `conversations/${id}/bans/bob`, "alice");
  await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
  await open(bob, "Rowing club");
  await call("DELETE", `conversations/${id}/members/bob`, "alice");
  await bob.locator(".toast:popover-open").getByText("You are no longer a member of Rowing club.").waitFor();
  await bob.waitForURL(({ hash }) => hash === "#/");
  await open(bob, "general");
  await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
  await open(bob, "Rowing club");
  await call("PUT", `conversations/${id}/bans/bob`, "alice", {});
  await notice.getByText("You were banned from Rowing club.").waitFor();
});

// A member who looks at another conversation, is offline or has closed the page still sees that the membership ended.
test("A member who is elsewhere or away sees the end of a membership", [], async () => {
  const groups = {};
  for (const name of ["Choir", "Band", "Crew", "Team"]) {
    const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name });
    await post("messages", "alice", { conversationId: id, content: "Welcome" });
    groups[name] = id;
  }
  const bob = await visitAs("bob", { expected: LOST });
  const remove = (name) => call("DELETE", `conversations/${groups[name]}/members/bob`, "alice");
  const toast = bob.locator(".toast:popover-open");
  await open(bob, "general");
  await remove("Choir");
  await toast.getByText("You are no longer a member of Choir.").waitFor();

  await bob.context().setOffline(true);
  await bob.locator(".connection").waitFor();
  await remove("Band");
  await bob.context().setOffline(false);
  await toast.getByText("You are no longer a member of Band.").waitFor();

  // The list is saved after a moment.
  const isSaved = (names) => names.includes("Crew") && !names.includes("Band");
  await until(() => kept(bob, "states"), isSaved);
  const address = bob.url();
  await bob.goto("about:blank");
  await remove("Crew");
  await remove("Team");
  await bob.goto(address);
  await toast.getByText("You are no longer a member of").waitFor();
  equal(await toast.locator("p").textContent(), "You are no longer a member of Team and Crew.");

  await until(() => kept(bob, "states"), (names) => !names.includes("Crew"));
  await bob.reload();
  await open(bob, "general");
  equal(await toast.getByText("no longer a member").count(), 0);
});

// Anyone who is banned while the page has no connection, or is closed, sees why and until when.
test("Who is banned while away sees why and until when", [], async () => {
  const groups = {};
  for (const name of ["Ferns", "Mosses", "Algae"])
    groups[name] = (await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name })).id;
  const bob = await visitAs("bob", { expected: LOST });
  await open(bob, "general");
  const ban = (name, body) => call("PUT", `conversations/${groups[name]}/bans/bob`, "alice", body);
  const notice = bob.locator(".notice").filter({ hasText: "You were banned" });
  const shown = async (name) => {
    await notice.filter({ hasText: name }).waitFor();
    return withoutTime(await notice.locator("p, span").first().textContent());
  };
  await bob.context().setOffline(true);
  await bob.locator(".connection").waitFor();
  await ban("Ferns", { until: inDays(1), reason: "Too loud" });
  await bob.context().setOffline(false);
  equal(await shown("Ferns"), "You were banned from Ferns until TIME: Too loud");

  const isSaved = (saved) => saved.includes("Mosses") && !saved.includes("Ferns") && /"cursor":"/.test(saved);
  await until(() => kept(bob, "states"), isSaved);
  const address = bob.url();
  await bob.goto("about:blank");
  await ban("Mosses", { until: inDays(1), reason: "Too wet" });
  await call("DELETE", `conversations/${groups.Algae}/members/bob`, "alice");
  await bob.goto(address);
  equal(await shown("Mosses"), "You were banned from Mosses until TIME: Too wet");
  equal(await bob.locator(".toast:popover-open > p").textContent(), "You are no longer a member of Algae.");
});

// Anyone who is added while the page is at the conversation's address sees its messages at once, and those that follow.
test("A user who is added at the address sees the messages", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["carol"], name: "Late" });
  await post("messages", "alice", { conversationId: id, content: "Before" });
  const bob = await visitAs("bob", { expected: /status of 403/ });
  await bob.goto(`${bob.url().split("#")[0]}#/conversation/${id}`);
  await bob.getByText("You are not a member of this conversation, or it does not exist.").waitFor();
  await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
  await message(bob, "Before").waitFor();
  await post("messages", "alice", { conversationId: id, content: "After" });
  await message(bob, "After").waitFor();
});

// The end of a group that is not open is shown, and no longer once it is over.
test("The end of a group is shown until it is over", [], async () => {
  const groups = {};
  for (const name of ["Quartet", "Quintet"])
    groups[name] = (await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name })).id;
  const bob = await visitAs("bob");
  await open(bob, "general");
  const toast = bob.locator(".toast:popover-open");
  await call("DELETE", `conversations/${groups.Quartet}`, "alice");
  await toast.getByText("Quartet was deleted.").waitFor();
  await call("DELETE", `conversations/${groups.Quintet}/members/bob`, "alice");
  await toast.getByText("You are no longer a member of Quintet.").waitFor();
  await post(`conversations/${groups.Quintet}/members`, "alice", { userIds: ["bob"] });
  await bob.getByRole("navigation").getByText("Quintet").waitFor();
  await toast.waitFor({ state: "detached" });
});

// Anyone who leaves a group and is added again reads on where they were.
test("Who is added again reads on where they were", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Orchestra" });
  for (let number = 0; number < 60; number++)
    await post("messages", "alice", { conversationId: id, content: `Bar ${number}` });
  await post(`conversations/${id}/read`, "bob", {});
  const bob = await visitAs("bob");
  await open(bob, "Orchestra");
  await message(bob, "Bar 59").waitFor();
  await bob.getByRole("log").hover();
  await becomes(() => bob.mouse.wheel(0, -2000).then(() => message(bob, "Bar 0").count()), 1);
  await bob.getByRole("button", { name: "Details" }).click();
  await bob.locator(".panel").getByRole("button", { name: "Leave" }).click();
  await bob.locator("dialog").getByRole("button", { name: "Leave" }).click();
  const listed = bob.getByRole("navigation").getByText("Orchestra");
  await listed.waitFor({ state: "detached" });
  const toast = bob.locator(".toast:popover-open p");
  equal(await toast.textContent(), "You left Orchestra.");
  await post("messages", "alice", { conversationId: id, content: "Encore" });
  await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
  await listed.waitFor();
  await post("messages", "alice", { conversationId: id, content: "Bravo" });
  await open(bob, "Orchestra");
  await message(bob, "Bravo").waitFor();
  equal(await bob.getByText("New", { exact: true }).count(), 1);
});

// The details that another admin has open follow a ban and its end.
test("The details of another admin follow the end of a ban", [], async () => {
  const members = { memberIds: ["bob", "carol"], name: "Choir" };
  const { id } = await post("conversations", "alice", { kind: "group", ...members });
  await call("PATCH", `conversations/${id}/members/carol`, "alice", { role: "admin" });
  const carol = await visitAs("carol");
  await open(carol, "Choir");
  await carol.getByRole("button", { name: "Details" }).click();
  const banned = carol.getByRole("region", { name: "Banned" });
  await call("PUT", `conversations/${id}/bans/bob`, "alice", { reason: "Too loud" });
  await banned.getByText("bob").waitFor();
  await call("DELETE", `conversations/${id}/bans/bob`, "alice");
  await banned.waitFor({ state: "detached" });
});

// Who mutes a member whom another admin has muted meanwhile is shown that first. A list that cannot be loaded stops nobody.
test("A moderator sees what another one has decided before it is replaced", [], async () => {
  await call("PATCH", "users/me", "dave", { name: "dave" });
  const members = { memberIds: ["bob", "carol", "dave"], name: "Brass band" };
  const { id } = await post("conversations", "alice", { kind: "group", ...members });
  await call("PATCH", `conversations/${id}/members/carol`, "alice", { role: "admin" });
  const carol = await visitAs("carol", { expected: /net::ERR_FAILED/ });
  await open(carol, "Brass band");
  await carol.getByRole("button", { name: "Details" }).click();
  const row = (name) => carol.locator(".panel .member").filter({ hasText: name });
  const mark = (name) => row(name).getByRole("img", { name: /^Muted by a moderator/ });
  const dialog = carol.getByRole("dialog");
  const ask = async (name, reason) => {
    await row(name).getByRole("button", { name: `Manage ${name}` }).click();
    await carol.getByRole("menuitem", { name: "Mute…" }).click();
    await dialog.getByLabel("Reason (they will see it)").fill(reason);
  };
  const mutes = dialog.getByRole("button", { name: "Mute", exact: true });
  const warned = dialog.getByRole("alert").filter({ hasText: "Somebody else" });
  const listed = () => call("GET", `conversations/${id}/mutes`, "alice");
  const reasons = async () => (await listed()).items.map(({ reason }) => reason);

  await ask("bob", "Too loud");
  await call("PUT", `conversations/${id}/mutes/bob`, "alice", { until: inDays(7), reason: "insults" });
  await mutes.click();
  await warned.waitFor();
  equal(
    (await warned.textContent()).replace(/until .*\d+:\d+\s[AP]M/, "until TIME"),
    "Somebody else has muted this member meanwhile, until TIME: insults. Mute again to replace it.",
  );
  equal(await dialog.getByLabel("Reason (they will see it)").inputValue(), "Too loud");
  deepEqual(await reasons(), ["insults"]);
  await mark("bob").waitFor({ state: "attached" });
  await call("PUT", `conversations/${id}/mutes/bob`, "alice", { reason: "Insults!" });
  await mutes.click();
  await warned.filter({ hasText: "Insults!" }).waitFor();
  equal(
    await warned.textContent(),
    "Somebody else has muted this member meanwhile: Insults! Mute again to replace it.",
  );
  await mutes.click();
  await dialog.waitFor({ state: "detached" });
  deepEqual(await reasons(), ["Too loud"]);

  await ask("dave", "Too quiet");
  await carol.route(/\/mutes\?/, (route) => route.abort(), { times: 1 });
  await mutes.click();
  await dialog.waitFor({ state: "detached" });
  await mark("dave").waitFor();
  deepEqual(await reasons(), ["Too loud", "Too quiet"]);
});

// Why people are not added to a group is said until others are chosen.
test("Why people are not added is over when others are chosen", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Bakers" });
  await call("PUT", `conversations/${id}/bans/bob`, "alice", {});
  await call("DELETE", `conversations/${id}/members/carol`, "carol");
  const alice = await visitAs("alice", { expected: /status of 403/ });
  await open(alice, "Bakers");
  await alice.getByRole("button", { name: "Details" }).click();
  await alice.locator(".panel").getByRole("button", { name: "Add people" }).click();
  const dialog = alice.getByRole("dialog", { name: "Add people to Bakers" });
  await choose(alice, "bob");
  await dialog.getByRole("button", { name: "Add people" }).click();
  const problem = dialog.getByRole("alert").getByText("bob is banned from this conversation.");
  await problem.waitFor();
  await dialog.getByRole("button", { name: "Remove bob" }).click();
  equal(await problem.count(), 0);
  await choose(alice, "carol");
  await dialog.getByRole("button", { name: "Add people" }).click();
  await dialog.waitFor({ state: "detached" });
});

// Anyone who is thrown out, comes back or tries to sign in sees the end and the reason, at the form that was used.
test("The sign-in says until when and why the server bans", ["admin_token"], async ({ adminToken: token }) => {
  const timed = "Your account is banned from this server until TIME: Spam in groups";
  const endless = "Your account is banned from this server: Too loud";
  const page = await visit({ expected: /status of 40[13]/ });
  await enterAs(page, "nils");
  await page.locator("aside header").getByText("nils").waitFor();
  await ban("nils", token, { until: inDays(1), reason: "Spam in groups" });
  deepEqual(await problemAt(page, /Spam in groups/), { at: "page", text: timed, inView: true });

  await page.evaluate((user) => sessionStorage.setItem("talkwire.session", JSON.stringify({ user })), USER);
  await page.reload();
  deepEqual(await problemAt(page, /Spam in groups/), { at: "page", text: timed, inView: true });

  const entering = async (text) => {
    await page.reload();
    await enterAs(page, "nils");
    return problemAt(page, text);
  };
  deepEqual(await entering(/Spam in groups/), { at: "demo", text: timed, inView: true });
  await ban("nils", token, { reason: "Too loud" });
  deepEqual(await entering(/Too loud/), { at: "demo", text: endless, inView: true });
  await ban("nils", token, {});
  deepEqual(await entering(/server\.$/), { at: "demo", text: "Your account is banned from this server.", inView: true });

  const credentials = { "E-mail": "nora@example.com", Password: "correct horse" };
  await submitAccount(page, { Name: "Nora", ...credentials });
  await page.locator("aside header").getByText("Nora").waitFor();
  const { id } = await page.evaluate(() => JSON.parse(localStorage.getItem("talkwire.session")).user);
  await ban(id, token, { reason: "Too loud" });
  await problemAt(page, /Too loud/);
  await submitAccount(page, credentials);
  await page.locator(".entrance > form .problem").getByText(/Too loud/).waitFor();
  deepEqual(await problemAt(page, /Too loud/), { at: "account", text: endless, inView: true });
});

const USER = { id: "nils", name: "nils", createdAt: "" };

async function ban(id, token, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/api/v1/users/${id}/ban`, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the ban was answered with ${answer.status}`);
}

// What the page of the sign-in says, and where.
async function problemAt(page, wanted) {
  const problem = page.locator(".entrance .problem:not(:empty)").filter({ hasText: wanted });
  await problem.waitFor();
  return problem.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    const form = element.closest("form") === null ? "demo" : "account";
    return {
      at: element.parentElement.matches(".entrance") ? "page" : form,
      text: element.textContent.replace(/until tomorrow, \d+:\d+\s[AP]M/, "until TIME"),
      inView: top >= 0 && bottom <= innerHeight,
    };
  });
}

const withoutTime = (text) => text.replace(/until tomorrow, \d+:\d+\s[AP]M/, "until TIME");

// Who was removed learns it from the bell, with the name that the conversation had then; nothing of it is unread for who
// was there and saw it.
test("Who was removed without the page learns it from the bell", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Kites" });
  const bob = await visitAs("bob", { expected: /status of 403/ });
  await open(bob, "Kites");
  for (const user of ["bob", "carol"]) {
    await post("notifications/read", user, { all: true });
    await call("DELETE", `conversations/${id}/members/${user}`, "alice");
  }
  await bob.locator(".toast:popover-open").getByText("You are no longer a member of Kites.").waitFor();
  const unread = async (user) => (await call("GET", "notifications", user)).unread;
  await becomes(() => unread("bob"), 0);
  await call("PATCH", `conversations/${id}`, "alice", { name: "Secret kites" });
  const carol = await visitAs("carol");
  await carol.getByRole("button", { name: /^Notifications/ }).click();
  const item = carol.locator(".notifications li").first();
  await item.getByText("You were removed from Kites").waitFor();
  equal(await unread("carol"), 1);
});
