// What readers set about themselves and their client.
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import {
  act,
  call,
  composer,
  field,
  message,
  open,
  openSettings,
  post,
  say,
  start,
  submitAccount,
  until,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

const DOT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const scheme = (page) => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
const paper = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

// A theme holds in all tabs, and through a reload before anything else is there.
test("A theme holds in all tabs and from the first paint on", [], async () => {
  const alice = await visitAs("alice", { colorScheme: "light", expected: /ERR_FAILED/ });
  const light = await paper(alice);
  const tab = await alice.context().newPage();
  await tab.goto(url);
  await openSettings(alice, "Appearance");
  await alice.locator("dialog").getByText("Dark", { exact: true }).click();
  await tab.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  const dark = await paper(alice);
  ok(light !== dark);
  // No service worker is installed here that would answer what is refused.
  await alice.route("**/page/*.js", (route) => route.abort());
  await alice.reload({ waitUntil: "commit" });
  await alice.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await alice.unroute("**/page/*.js");
  await alice.reload();
  equal(await scheme(alice), "dark");
  await openSettings(alice, "Appearance");
  await alice.locator("dialog").getByText("System", { exact: true }).click();
  await tab.waitForFunction(() => document.documentElement.dataset.theme === undefined);
  equal(await paper(alice), light);
});

async function chooseFromAccount(page, role, name) {
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole(role, { name }).click();
}

const openStatusText = (page) => chooseFromAccount(page, "menuitem", "Set a status…");
const chooseStatus = (page, name) => chooseFromAccount(page, "menuitemradio", name);

// Others see the picture and the status that somebody chose.
test("Others see the picture and the status that one chose", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await start(alice, ["bob"]);
  await say(alice, "Look at me");
  await open(bob, "alice");
  await openSettings(alice, "Profile");
  await alice.locator("input[type=file][aria-label=Picture]").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: DOT });
  await bob.locator(".conversation > header .avatar img").waitFor();
  equal(
    await bob.locator(".conversation > header .avatar img").evaluate(async (it) => {
      await it.decode();
      return it.naturalWidth;
    }),
    1,
  );
  deepEqual(await lettersOf(bob), []);
  const fields = alice.locator("dialog form label");
  deepEqual(
    (await fields.allTextContents()).map((text) => text.match(/^(Name|Handle|About you)/)?.[0]),
    ["Name", "Handle", "About you"],
  );
  await alice.keyboard.press("Escape");
  await openStatusText(alice);
  await alice.getByLabel("Status text").fill("Painting");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await bob.locator(".subtitle").getByText("online · Painting").waitFor();
  await chooseStatus(alice, "Invisible");
  await bob.locator(".subtitle").getByText("offline").waitFor();
  await alice.reload();
  await alice.getByRole("button", { name: /^Your account: alice.* invisible$/ }).waitFor();
  await chooseStatus(alice, "Online");
  await bob.locator(".subtitle").getByText("online").waitFor();
  await openSettings(alice, "Profile");
  await alice.getByRole("button", { name: "Remove", exact: true }).click();
  await bob.locator(".conversation > header .avatar img").waitFor({ state: "detached" });
});

// A status text that another device sets does not replace the one that is being typed.
test("A status text that is typed is not replaced", [], async () => {
  const alice = await visitAs("alice");
  await openStatusText(alice);
  const field = alice.getByLabel("Status text");
  await field.fill("Half a sent");
  await call("PUT", "users/me/presence", "alice", { status: "online", text: "From elsewhere" });
  await alice.locator(".account-text").getByText("From elsewhere").waitFor();
  equal(await field.inputValue(), "Half a sent");
  await field.fill("A whole sentence");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await alice.locator("dialog").waitFor({ state: "detached" });
  equal((await call("GET", "users/me/presence", "alice")).text, "A whole sentence");
});

// A status text and "do not disturb" end at their times for the reader and for others, without an event.
test("A status and its text end for everyone", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await start(alice, ["bob"]);
  await say(alice, "Look at me");
  await open(bob, "alice");
  await openStatusText(alice);
  await alice.getByLabel("Status text").fill("Painting");
  await alice.getByRole("dialog").getByRole("button", { name: "Emoji" }).click();
  await alice.getByLabel("Search emoji").fill("rocket");
  await alice.getByLabel("Search emoji").press("Enter");
  await alice.getByLabel("Clear after").selectOption("1 hour");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await bob.locator(".subtitle").getByText("online · Painting🚀").waitFor();
  await alice.locator("dialog").waitFor({ state: "detached" });
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitemradio", { name: "Do not disturb" }).click();
  await alice.getByRole("menuitem", { name: "For 30 minutes" }).click();
  await bob.locator(".subtitle").getByText("do not disturb · Painting🚀").waitFor();
  const { statusUntil, textUntil } = await call("GET", "users/me/presence", "alice");
  deepEqual([statusUntil, textUntil].map((until) => Math.round((Date.parse(until) - Date.now()) / 60_000)), [30, 60]);
  // Another text keeps both ends.
  await openStatusText(alice);
  const shown = await alice.getByLabel("Clear after").locator("option:checked").textContent();
  // Late in the evening, the hour ends tomorrow.
  equal(shown.replace(/(tomorrow, )?\d+:\d+.*/, "TIME"), "Until TIME");
  await alice.getByLabel("Status text").fill("Painting rockets");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await bob.locator(".subtitle").getByText("do not disturb · Painting rockets").waitFor();
  await alice.locator("dialog").waitFor({ state: "detached" });
  const kept = await call("GET", "users/me/presence", "alice");
  deepEqual([kept.statusUntil, kept.textUntil], [statusUntil, textUntil]);
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitemradio", { name: /^Do not disturb until .*\d+:\d+/ }).waitFor();
  await alice.keyboard.press("Escape");

  const soon = new Date(Date.now() + 1_500).toISOString();
  await call("PUT", "users/me/presence", "alice", { status: "dnd", text: "Soon back", statusUntil: soon, textUntil: soon });
  await bob.locator(".subtitle").getByText("do not disturb · Soon back").waitFor();
  await bob.locator(".subtitle").getByText("online", { exact: true }).waitFor();
  await alice.getByRole("button", { name: "Your account: alice online" }).waitFor();
});

// A file that is no picture becomes nobody's, and one that got there otherwise is not shown.
test("A file that is no picture becomes nobody's", [], async () => {
  const buffer = Buffer.from("No picture at all");
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Blurred" });
  const alice = await visitAs("alice");
  await open(alice, "Blurred");
  await alice.getByRole("heading", { name: "Blurred" }).click();
  await alice.locator(".panel").getByRole("button", { name: "Edit", exact: true }).click();
  const choose = (name, mimeType) => alice.getByLabel("Picture").locator("input").setInputFiles({ name, mimeType, buffer });
  const refused = () => alice.getByRole("alert").getByText("This file is no picture that can be shown.").waitFor();
  await choose("notes.png", "image/png");
  await refused();
  await field(alice, "Topic").fill("Fog");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await alice.locator("dialog").waitFor({ state: "detached" });
  await openSettings(alice, "Profile");
  await choose("noise.heic", "image/heic");
  await refused();
  await alice.keyboard.press("Escape");
  const { avatar, topic } = await call("GET", `conversations/${id}`, "alice");
  const mine = (await call("GET", "users/me", "alice")).avatar;
  deepEqual([avatar, mine, topic], [undefined, undefined, "Fog"]);

  const form = new FormData();
  form.append("file", new Blob([buffer], { type: "image/png" }), "notes.png");
  const file = await (await fetch(`${url}/api/v1/files?userId=alice`, { method: "POST", body: form })).json();
  const bob = await visitAs("bob");
  await open(bob, "Blurred");
  await bob.evaluate(() => {
    window.failed = 0;
    addEventListener("error", ({ target }) => (window.failed += Number(target instanceof HTMLImageElement)), true);
  });
  await call("PATCH", `conversations/${id}`, "alice", { avatar: file.url });
  await bob.waitForFunction(() => window.failed > 0);
  await bob.locator(".conversation > header .avatar img").waitFor({ state: "detached" });
  equal(await bob.locator(".conversation > header .avatar").textContent(), "B");
});

// Returns where bob sees a letter and not the picture of alice, with whom a conversation is open.
async function lettersOf(bob) {
  const found = [];
  const look = async (place, entry) => {
    await entry.waitFor();
    if ((await entry.locator(".avatar img").count()) === 0) found.push(place);
  };
  await bob.keyboard.press("Control+k");
  await bob.locator(".switcher input").fill("alice");
  await look("switcher", bob.locator(".switcher [role=option]").filter({ hasText: "alice" }).first());
  await bob.keyboard.press("Escape");
  await bob.getByRole("searchbox").first().fill("alice");
  await look("search", bob.getByRole("region", { name: "People" }).getByRole("button", { name: "alice" }));
  await bob.getByRole("searchbox").first().fill("");
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Portraits" });
  const sent = await post("messages", "bob", { conversationId: id, content: "Who is here?" });
  await call("PUT", `messages/${sent.id}/reactions/${encodeURIComponent("👍")}`, "alice");
  await open(bob, "Portraits");
  await composer(bob).pressSequentially("@ali");
  await look("completion", bob.locator(".completion [role=option]").first());
  await composer(bob).fill("");
  for (const action of ["Seen by", "Reactions"]) {
    await act(bob, "Who is here?", action);
    await look(action, bob.locator("dialog[open] .receipts li").filter({ hasText: "alice" }));
    await bob.keyboard.press("Escape");
  }
  await open(bob, "alice");
  return found;
}

const SIGNED_OUT = "You were signed out: from another device, or because the password was changed.";

test("A password is changed and another device signed out", [], async () => {
  const expected = /status of 40[13]/;
  const [one, other] = [await visit({ expected }), await visit({ expected })];
  const credentials = { "E-mail": "fritz@example.com", Password: "correct horse" };
  await submitAccount(one, { Name: "Fritz", ...credentials });
  await one.getByRole("button", { name: /^Your account/ }).waitFor();
  const enter = async () => {
    await submitAccount(other, credentials);
    await other.getByRole("button", { name: /^Your account/ }).waitFor();
  };
  await enter();
  await openSettings(one, "Devices");
  await one.getByRole("button", { name: /^Sign out / }).click();
  await other.locator(".entrance").waitFor();
  const why = other.locator(".entrance > [role=alert]");
  equal(await why.textContent(), SIGNED_OUT);
  await enter();
  await one.getByRole("tab", { name: "Account" }).click();
  await field(one, "Current password").fill("wrong horse");
  await field(one, "New password").fill("better battery");
  await one.getByRole("button", { name: "Change password" }).click();
  await one.locator("dialog .problem:not(:empty)").waitFor();
  notEqual(await one.locator("dialog .problem:not(:empty)").textContent(), "");
  await field(one, "Current password").fill(credentials.Password);
  await one.getByRole("button", { name: "Change password" }).click();
  await one.getByText("Saved", { exact: true }).waitFor();
  await other.locator(".entrance").waitFor();
  equal(await why.textContent(), SIGNED_OUT);
  equal(await other.locator(".problem:not(:empty)").count(), 0);
  credentials.Password = "better battery";
  await enter();
});

// Who touches nothing for five minutes is away, in whichever tab it would be, and back with the first move.
test("Who touches nothing is away until the first move", [], async () => {
  const [alice, carol] = [await visitAs("alice"), await visitAs("carol")];
  await start(carol, ["alice"]);
  await carol.locator(".subtitle").getByText("online").waitFor();
  await alice.clock.install();
  await alice.reload();
  await alice.getByRole("button", { name: /^Your account: alice.* online$/ }).waitFor();
  await alice.clock.fastForward("05:01");
  await carol.locator(".subtitle").getByText("away").waitFor();
  await alice.getByRole("button", { name: /^Your account: alice.* away$/ }).waitFor();
  await alice.mouse.move(300, 300);
  await carol.locator(".subtitle").getByText("online").waitFor();
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitemradio", { name: "Away" }).click();
  await carol.locator(".subtitle").getByText("away").waitFor();
  await alice.mouse.move(400, 300);
  await alice.reload();
  await alice.getByRole("button", { name: /^Your account: alice.* away$/ }).waitFor();
  // A page that is loaded again is away for a moment in another sense.
  const rested = await until(() => carol.locator(".subtitle").textContent(), (status) => status.startsWith("away"));
  ok(rested.startsWith("away"));
});

// A connection starts with the status that another device of the same user had last. Who uses this one is online again.
test("Who uses a page that counts as away is online again", [], async () => {
  const alice = await visitAs("alice");
  const shown = (status) => alice.getByRole("button", { name: new RegExp(`^Your account: alice.* ${status}$`) });
  await shown("online").waitFor();
  await call("PUT", "users/me/presence", "alice", { status: "away" });
  await shown("away").waitFor();
  await alice.mouse.move(300, 300);
  await shown("online").waitFor();
  equal((await call("GET", "users/alice/presence", "alice")).status, "online");
});

// With read receipts off, neither side sees what the other one has read. Both see it again when they are on again.
test("Read receipts are off in both directions", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await start(alice, ["bob"]);
  const status = (page, content, name) =>
    page
      .locator(".message:not(.letter)")
      .filter({ has: page.locator(".text").getByText(content, { exact: true }) })
      .getByRole("img", { name });
  await say(alice, "Seen");
  await open(bob, "alice");
  await status(alice, "Seen", "Read").waitFor();
  await openSettings(bob, "Privacy");
  const receipts = bob.getByRole("switch", { name: "Let others see what you have read" });
  const isSaved = (answer) => answer.url().includes("/preferences") && answer.request().method() === "PUT";
  await Promise.all([bob.waitForResponse(isSaved), receipts.uncheck()]);
  await bob.keyboard.press("Escape");
  await say(bob, "Unseen");
  await message(alice, "Unseen").waitFor();
  await say(alice, "Neither");
  await message(bob, "Neither").waitFor();
  const id = new URL(bob.url()).hash.split("/").at(-1);
  for (const user of ["alice", "bob"])
    await until(() => call("GET", `conversations/${id}`, user), ({ unreadCount }) => unreadCount === 0);
  // What the server says of the reading comes before this.
  await say(bob, "After it");
  for (const page of [alice, bob]) await message(page, "After it").waitFor();
  equal(await status(alice, "Neither", "Read").count(), 0);
  equal(await status(bob, "Unseen", "Read").count(), 0);
  await openSettings(bob, "Privacy");
  await receipts.check();
  await status(bob, "Unseen", "Read").waitFor({ state: "attached" });
});

// Somebody takes their data along, and deletes their account.
test("Data is exported and an account deleted", [], async () => {
  const page = await visit({ expected: /status of 40[013]/ });
  const credentials = { "E-mail": "greta@example.com", Password: "correct horse" };
  await submitAccount(page, { Name: "Greta", ...credentials });
  await openSettings(page, "Account");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export my data" }).click();
  const download = await downloading;
  ok(download.suggestedFilename().endsWith("export.zip"));
  const archive = await readFile(await download.path());
  equal(archive.toString("latin1", 0, 2), "PK");
  await page.getByRole("button", { name: "Delete my account" }).click();
  const question = page.getByRole("dialog", { name: "Delete your account?" });
  const deleteWith = async (password) => {
    await question.getByLabel("Current password").fill(password);
    await question.getByRole("button", { name: "Delete my account" }).click();
  };
  await deleteWith("wrong horse");
  await question.locator(".problem:not(:empty)").waitFor();
  await deleteWith(credentials.Password);
  await page.getByText("Your account was deleted.").waitFor();
  equal(await page.locator(".problem:not(:empty)").count(), 0);
  await submitAccount(page, credentials);
  await page.locator(".entrance .problem:not(:empty)").waitFor();
});
