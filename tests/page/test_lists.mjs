// Favourites, the archive, saved messages, forwarding, and offers in the list of conversations.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  LOST,
  act,
  arrived,
  call,
  composer,
  enterAs,
  kept,
  ledTo,
  listed,
  message,
  open,
  opened,
  post,
  say,
  until,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

// A group that the reader is added to comes first, although its messages are older, and hidden from new members.
test("A group that the reader is added to comes first", [], async () => {
  const old = await post("conversations", "alice", { kind: "group", memberIds: [], name: "Older", history: "from-join" });
  await post("messages", "alice", { conversationId: old.id, content: "Before" });
  const whole = await post("conversations", "alice", { kind: "group", memberIds: [], name: "Whole" });
  await post("messages", "alice", { conversationId: whole.id, content: "Before" });
  const bob = await visitAs("bob");
  const first = () => bob.locator(".conversations a .name").first().textContent();
  for (const { id, name } of [old, whole]) {
    const newer = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: `Newer than ${name}` });
    await post("messages", "alice", { conversationId: newer.id, content: "Now" });
    await until(first, (top) => top === newer.name);
    await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
    equal(await until(first, (top) => top !== newer.name), name);
    await bob.reload();
    await listed(bob, name).waitFor();
    equal(await first(), name);
  }
});

// A direct conversation in which nobody has written is in no list, unless it is open or has a draft.
test("A direct conversation without a message is in no list", [], async () => {
  const [page, other] = await Promise.all(["curious", "looked-at"].map(newcomer));
  await post("conversations", "curious", { kind: "group", memberIds: ["looked-at"], name: "Beside" });
  const { id } = await post("conversations", "curious", { kind: "direct", memberIds: ["looked-at"] });
  await listed(other, "Beside").waitFor();
  deepEqual(await namesIn(other), ["Beside"]);
  await page.goto(`${new URL(page.url()).origin}/#/conversation/${id}`);
  await listed(page, "looked-at").waitFor();
  await composer(page).fill("not yet");
  await open(page, "Beside");
  await listed(page, "looked-at").getByText("Draft:").waitFor();
  await open(page, "looked-at");
  await composer(page).fill("");
  await open(page, "Beside");
  await listed(page, "looked-at").waitFor({ state: "detached" });
  await post("messages", "curious", { conversationId: id, content: "Hello" });
  await listed(other, "curious").waitFor();
  await listed(page, "looked-at").waitFor();
});

async function newcomer(user) {
  const page = await visit();
  await enterAs(page, user);
  await page.locator(".sidebar").waitFor();
  return page;
}

const section = (page, name) => page.locator(".conversations h2").getByText(name, { exact: true });
const archive = (page) => page.locator(".list-action");

// The menu of a conversation in the list.
async function fromList(page, name, action) {
  await listed(page, name).click({ button: "right" });
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

async function group(name, ...others) {
  return (await post("conversations", "alice", { kind: "group", memberIds: others, name })).id;
}

// The server's answer to a change of what the reader prefers for a conversation.
const preferred = (page) =>
  page.waitForResponse((answer) => answer.url().includes("/preferences") && answer.request().method() === "PATCH");

const namesIn = (page) => page.locator(".conversations a .name").allTextContents();

// Favourites come first; what is archived is elsewhere until somebody writes, on all devices of the reader.
test("Favourites come first and the archive lasts until a message", [], async () => {
  const [plans, quiet] = [await group("Plans", "bob"), await group("Quiet", "bob")];
  const [alice, phone] = [await visitAs("alice"), await visitAs("alice")];
  await fromList(alice, "Plans", "Add to favourites");
  for (const page of [alice, phone]) await section(page, "Favourites").waitFor();
  equal((await namesIn(phone))[0], "Plans");

  await listed(alice, "Quiet").click({ button: "right" });
  await alice.getByRole("menuitem", { name: "Mute", exact: true }).click();
  await Promise.all([preferred(alice), alice.getByRole("menuitem", { name: "Until I turn it back on" }).click()]);
  await fromList(alice, "Quiet", "Archive");
  await fromList(alice, "Plans", "Archive");
  for (const page of [alice, phone]) await listed(page, "Plans").waitFor({ state: "detached" });
  await alice.locator(".toast").filter({ hasText: "Plans was archived." }).getByRole("button", { name: "Undo" }).click();
  for (const page of [alice, phone]) await listed(page, "Plans").waitFor();
  await fromList(alice, "Plans", "Archive");
  for (const page of [alice, phone]) {
    await archive(page).getByText("2").waitFor();
    await listed(page, "Quiet").waitFor({ state: "detached" });
  }
  await archive(phone).click();
  deepEqual((await until(() => namesIn(phone), (names) => names.length === 2)).toSorted(), ["Plans", "Quiet"]);
  equal(await phone.evaluate(() => document.activeElement.className), "list-action");
  await phone.keyboard.press("Enter");
  await listed(phone, "test-conv").waitFor();
  equal(await phone.evaluate(() => document.activeElement.className), "list-action");

  await post("messages", "bob", { conversationId: plans, content: "Hello" });
  await post("messages", "bob", { conversationId: quiet, content: "Hello" });
  for (const page of [alice, phone]) {
    await listed(page, "Plans").waitFor();
    await archive(page).getByText("1").waitFor();
  }
  await phone.reload();
  await listed(phone, "Plans").waitFor();
  equal(await archive(phone).locator(".count").textContent(), "1");
  await post("messages", "bob", { conversationId: quiet, content: "@alice Hello" });
  for (const page of [alice, phone]) {
    await listed(page, "Quiet").waitFor();
    await archive(page).waitFor({ state: "detached" });
  }
  // The last one leaves the archive, and another one comes into it.
  await fromList(alice, "Quiet", "Archive");
  await archive(alice).click();
  await fromList(alice, "Quiet", "Move out of the archive");
  await archive(alice).waitFor({ state: "detached" });
  await post("messages", "bob", { conversationId: plans, content: "Hello again" });
  await listed(alice, "Plans").getByTitle("2 unread").waitFor();
  await fromList(alice, "Plans", "Archive");
  await archive(alice).waitFor();
  equal(await archive(alice).getAttribute("aria-pressed"), "false");
  // What was not read before is not read there.
  equal(await archive(alice).locator(".count").getAttribute("title"), "2 unread");
  // The one about the conversation before it may still be there.
  const toast = alice.locator(".toast").filter({ hasText: "Plans was archived." });
  await toast.getByRole("button", { name: "Undo" }).click();
  await listed(alice, "Plans").waitFor();

  await open(alice, "Plans");
  await alice.getByRole("button", { name: "Details" }).click();
  await Promise.all([preferred(alice), alice.getByRole("switch", { name: "Archived" }).check()]);
  await archive(phone).getByText("1").waitFor();
  // The answer to the first may show the second as it was for a moment.
  await Promise.all([preferred(alice), alice.getByRole("switch", { name: "Favourite" }).click()]);
  await alice.getByRole("switch", { name: "Favourite", checked: false }).waitFor();
  await alice.getByRole("switch", { name: "Archived" }).click();
  await listed(phone, "Plans").waitFor();
  equal(await section(phone, "Favourites").count(), 0);
});

// A mute for a time shows its end on all devices of the reader, and ends there by itself.
test("A mute for a time ends by itself on all devices", [], async () => {
  const id = await group("Busy", "bob");
  const [alice, phone] = [await visitAs("alice"), await visitAs("alice")];
  const muted = (page, name) => listed(page, "Busy").getByRole("img", { name });
  await listed(alice, "Busy").click({ button: "right" });
  await alice.getByRole("menu").getByRole("menuitem").first().waitFor();
  for (const key of ["m", "u", "Enter"]) await alice.keyboard.press(key);
  const choices = alice.getByRole("menu", { name: "Mute" }).getByRole("menuitem");
  await choices.first().waitFor();
  const focused = () => alice.evaluate(() => document.activeElement.textContent);
  await becomes(focused, "For 1 hour");
  deepEqual(
    (await choices.allTextContents()).map((label) => label.replace(/\d+:\d+.*/, "TIME")),
    ["Mute", "For 1 hour", "For 8 hours", "Until tomorrow, TIME", "Until I turn it back on"],
  );
  // Back to the item of the menu that has the choices, in each way, and again to the choices.
  const back = alice.getByRole("menuitem", { name: "Mute: back" });
  const own = alice.getByRole("menuitem", { name: "Mute", exact: true });
  const goBack = {
    arrow: () => alice.keyboard.press("ArrowLeft"),
    click: () => back.click(),
    keys: async () => {
      await alice.keyboard.press("ArrowUp");
      await back.and(alice.locator(":focus")).waitFor();
      await alice.keyboard.press("Enter");
    },
  };
  for (const go of Object.values(goBack)) {
    await go();
    await own.and(alice.locator(":focus")).waitFor();
    await alice.keyboard.press("Enter");
    await choices.filter({ hasText: "For 1 hour" }).and(alice.locator(":focus")).waitFor();
  }
  await Promise.all([preferred(alice), choices.filter({ hasText: "For 1 hour" }).click()]);
  for (const page of [alice, phone]) await muted(page, /^Muted until .*\d+:\d+/).waitFor();
  await phone.reload();
  await muted(phone, /^Muted until .*\d+:\d+/).waitFor();

  await open(alice, "Busy");
  await alice.getByRole("button", { name: "Details" }).click();
  const status = alice.locator(".alerts [role=status]");
  await status.getByText(/^Muted until .*\d+:\d+/).waitFor();
  await Promise.all([preferred(alice), alice.getByRole("button", { name: "Unmute" }).click()]);
  for (const page of [alice, phone]) await muted(page, /^Muted/).waitFor({ state: "detached" });
  await alice.getByRole("button", { name: "Mute", exact: true }).click();
  await Promise.all([preferred(alice), alice.getByRole("menuitem", { name: /^Until tomorrow, / }).click()]);
  await status.getByText(/^Muted until tomorrow, 8:00/).waitFor();
  const { muted: isMuted, mutedUntil } = await call("GET", `conversations/${id}`, "alice");
  equal(isMuted, true);
  const hours = (Date.parse(mutedUntil) - Date.now()) / 3_600_000;
  ok(hours > 8 && hours < 32);

  const soon = new Date(Date.now() + 1_500).toISOString();
  await call("PATCH", `conversations/${id}/preferences`, "alice", { muted: true, mutedUntil: soon });
  for (const page of [alice, phone]) await muted(page, /^Muted until /).waitFor();
  for (const page of [alice, phone]) await muted(page, /^Muted/).waitFor({ state: "detached" });
  await alice.getByRole("button", { name: "Mute", exact: true }).waitFor();
  equal(await status.textContent(), "");
});

// The reader's own sections: made, collapsed, renamed and removed, on all devices of the reader.
test("Sections are made, collapsed, renamed and removed", [], async () => {
  const ids = [];
  for (const name of ["Zoo", "Ape", "Bee"]) ids.push(await group(name, "bob"));
  const [alice, phone] = [await visitAs("alice"), await visitAs("alice")];
  const heading = (page, name) => page.locator(".section-heading h2").getByRole("button", { name: new RegExp(`^${name}`) });
  for (const [place, section] of [["Zoo", "Work"], ["Ape", "Home"]]) {
    await fromList(alice, place, "Move to section…");
    await alice.getByRole("menuitem", { name: "New section…" }).click();
    await alice.getByLabel("Section name").fill(section);
    await Promise.all([preferred(alice), alice.getByRole("button", { name: "Save" }).click()]);
    for (const page of [alice, phone]) await heading(page, section).waitFor();
  }
  await fromList(alice, "Bee", "Move to section…");
  await Promise.all([preferred(alice), alice.getByRole("menuitemradio", { name: "Work" }).click()]);
  const rows = () => phone.locator(".conversations .name").allTextContents();
  const isMoved = (names) => ["Bee", "Zoo"].every((name) => names.indexOf(name) > names.indexOf("Work"));
  deepEqual(
    (await until(rows, (names) => isMoved(names.slice(0, 5)))).slice(0, 5),
    ["Home", "Ape", "Work", "Bee", "Zoo"],
  );

  // The arrow keys lead through conversations and headings; a collapsed section shows what it hides.
  await heading(alice, "Home").focus();
  const focused = [];
  for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp"]) {
    await alice.keyboard.press(key);
    focused.push(await alice.evaluate(() => document.activeElement.querySelector(".name").textContent));
  }
  await heading(alice, "Work").click();
  await listed(alice, "Zoo").waitFor({ state: "detached" });
  await post("messages", "bob", { conversationId: ids[0], content: "Hello" });
  await heading(alice, "Work").locator(".count").getByText("1", { exact: true }).waitFor();
  const expanded = (page) => heading(page, "Work").getAttribute("aria-expanded");
  await alice.reload();
  await heading(alice, "Work").waitFor();
  deepEqual([await expanded(alice), await expanded(phone)], ["false", "true"]);

  await alice.getByRole("button", { name: "More options for the section Work" }).click();
  await alice.getByRole("menuitem", { name: "Rename…" }).click();
  await alice.getByLabel("Section name").fill("Office");
  await alice.getByRole("button", { name: "Save" }).click();
  await alice.locator("dialog").waitFor({ state: "detached" });
  await heading(phone, "Office").waitFor();
  await heading(phone, "Work").waitFor({ state: "detached" });
  for (const step of ["undone", "removed"]) {
    await alice.getByRole("button", { name: "More options for the section Office" }).click();
    await alice.getByRole("menuitem", { name: "Remove section" }).click();
    for (const page of [alice, phone]) await heading(page, "Office").waitFor({ state: "detached" });
    if (step === "removed") break;
    await alice.getByRole("button", { name: "Undo" }).click();
    for (const page of [alice, phone]) await heading(page, "Office").waitFor();
  }
  const { section } = await call("GET", `conversations/${ids[1]}`, "alice");
  equal(section, "Home");
  await fromList(alice, "Ape", "Move to section…");
  await Promise.all([preferred(alice), alice.getByRole("menuitemradio", { name: "No section" }).click()]);
  for (const page of [alice, phone]) await heading(page, "Home").waitFor({ state: "detached" });
  deepEqual(focused, ["Ape", "Work", "Ape", "Home"]);
});

async function showSaved(page) {
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Saved messages" }).click();
}

// A saved message is marked, also after a reload, and found in the list of saved ones.
test("A saved message is marked and found again", [], async () => {
  const name = "Notes from the fair in Nürnberg, autumn planning group";
  const id = await group(name, "bob");
  await post("messages", "bob", { conversationId: id, content: "Keep this" });
  const [alice, phone] = [await visitAs("alice"), await visitAs("alice")];
  for (const page of [alice, phone]) await open(page, name);
  await message(alice, "Keep this").waitFor();
  await act(alice, "Keep this", "Save for later");
  const mark = (page) => page.locator(".message .mark").getByText("Saved", { exact: true });
  for (const page of [alice, phone]) await mark(page).waitFor();
  await alice.reload();
  await mark(alice).waitFor();
  await open(alice, "test-conv");
  await showSaved(alice);
  const dialog = alice.getByRole("dialog", { name: "Saved messages" });
  equal(await dialog.locator(".find-where").textContent(), "Notes from the fair in Nürnberg, autumn planning group");
  for (const width of [320, 390, 1440]) {
    await alice.setViewportSize({ width, height: 900 });
    deepEqual(await dialog.locator(".finds li").evaluate(hiddenParts), [], `at ${width} pixels`);
  }
  await dialog.getByRole("button", { name: /Keep this/ }).click();
  await opened(alice, name);
  await ledTo(alice, "Keep this");
  await showSaved(alice);
  await dialog.getByRole("button", { name: "Remove from saved messages" }).click();
  await dialog.getByText("No saved messages yet.").waitFor();
  for (const page of [alice, phone]) await mark(page).waitFor({ state: "detached" });
});

// Runs in the page. Which of the author, the conversation and the time are not seen, or are below the button.
function hiddenParts(row) {
  const button = row.querySelector(".icon-button").getBoundingClientRect();
  const isSeen = (part) => {
    const { width, left, right } = row.querySelector(part).getBoundingClientRect();
    return width > 20 && left >= 0 && right <= button.left;
  };
  return [".find-who strong", ".find-where", "time"].filter((part) => !isSeen(part));
}

// What is attached to a text stands below it wherever that stands alone.
test("What is attached to a text stands below it", [], async () => {
  await group("Files", "bob");
  await call("GET", "users/me", "outsider");
  const alice = await visitAs("alice");
  await open(alice, "Files");
  const files = ["one.txt", "two.txt"].map((name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) }));
  await alice.locator(".composer input[type=file]").setInputFiles(files);
  await alice.locator(".composer .tray li").nth(1).waitFor();
  await say(alice, "Both lists");
  for (const action of ["Save for later", "Pin"]) await act(alice, "Both lists", action);
  await alice.locator(".message .mark").getByText("Saved", { exact: true }).waitFor();
  await act(alice, "Both lists", "Forward");
  const dialog = alice.getByRole("dialog", { name: "Forward message" });
  const lastLine = async (locator) => (await locator.innerText()).split("\n").at(-1);
  equal(await lastLine(dialog.getByRole("blockquote")), "2 files");
  // The heading of those without a conversation stands above their pictures.
  await dialog.getByLabel("Filter conversations").fill("outsider");
  const face = dialog.locator("label", { has: alice.getByRole("checkbox", { name: "outsider" }) }).locator(".avatar");
  await face.waitFor();
  const heading = await dialog.getByText("People", { exact: true }).evaluate(textStart);
  ok(Math.abs(heading - (await face.boundingBox()).x) < 1);
  await alice.keyboard.press("Escape");
  await alice.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await alice.getByRole("button", { name: "1 pinned message" }).click();
  equal(await lastLine(alice.locator(".panel .find")), "2 files");
  await showSaved(alice);
  equal(await lastLine(alice.getByRole("dialog", { name: "Saved messages" }).locator(".find")), "2 files");
});

// Runs in the page. Where the text of an element begins.
function textStart(it) {
  const range = document.createRange();
  range.selectNodeContents(it);
  return range.getBoundingClientRect().left;
}

// Each place for itself: one that refuses does not stop the others. People without a conversation can be chosen.
test("A message is forwarded to each place by itself", [], async () => {
  const target = await group("Target", "bob");
  await post("conversations", "bob", { kind: "channel", memberIds: ["alice"], name: "Only bob writes" });
  const own = await post("conversations", "alice", { kind: "channel", memberIds: ["bob"], name: "Alice writes" });
  const second = await group("Second", "bob");
  const from = await group("From", "bob");
  await post("messages", "bob", { conversationId: from, content: "Pass it on" });
  const alice = await visitAs("alice", { expected: /40[34]|ERR_FAILED/ });
  await open(alice, "From");
  await act(alice, "Pass it on", "Forward");
  const dialog = alice.getByRole("dialog", { name: "Forward message" });
  await dialog.getByRole("checkbox", { name: "Alice writes" }).check();
  await dialog.getByRole("checkbox", { name: "Target" }).check();
  equal(await dialog.getByRole("checkbox", { name: "Only bob writes" }).count(), 0);
  await call("GET", "users/me", "stranger");
  // What is ticked stands above the list, also without the filter. Enter ticks the first match, and an arrow key leads to it.
  const filter = dialog.getByLabel("Filter conversations");
  await filter.fill("stranger");
  await dialog.getByRole("checkbox", { name: "stranger" }).waitFor();
  await filter.press("Enter");
  const chipsNow = () => dialog.locator(".chosen-name").allTextContents();
  deepEqual(await chipsNow(), ["Alice writes", "Target", "stranger"]);
  await dialog.getByRole("button", { name: "Forward to 3" }).waitFor();
  // One of them is taken back, and ticked again.
  for (const name of ["Alice writes", "Target"]) await dialog.getByRole("button", { name: `Remove ${name}` }).click();
  await dialog.getByRole("button", { name: "Forward to stranger" }).waitFor();
  for (const name of ["Alice writes", "Target"]) await dialog.getByRole("checkbox", { name }).check();
  await filter.press("ArrowDown");
  equal(await alice.evaluate(() => document.activeElement.type), "checkbox");
  await dialog.getByLabel("Add a message (optional)").fill("Look at this");
  // While the dialog is open, another place starts to refuse.
  await call("DELETE", `conversations/${own.id}`, "alice");
  await dialog.getByRole("button", { name: "Forward to 3" }).click();
  // What was not sent stays, with the reason.
  const problem = dialog.getByRole("alert").filter({ hasText: "Not forwarded" });
  await problem.waitFor();
  deepEqual(await chipsNow(), ["Alice writes"]);
  equal(await dialog.getByLabel("Add a message (optional)").inputValue(), "Look at this");
  equal(
    await dialog.getByRole("status").filter({ hasText: "Forwarded" }).textContent(),
    "Forwarded to stranger, Target",
  );
  equal((await problem.textContent()).replace(/: .*/, ""), "Not forwarded to Alice writes");
  // The server forwards it, and the answer is lost.
  await dialog.getByRole("button", { name: "Remove Alice writes" }).click();
  await dialog.getByRole("checkbox", { name: "Second" }).check();
  const forwards = "**/messages/*/forward*";
  await alice.route(forwards, async (route) => {
    await route.fetch();
    await route.abort();
  });
  await dialog.getByRole("button", { name: "Forward to Second" }).click();
  await dialog.getByRole("alert").getByText("Not forwarded to Second").waitFor();
  await alice.unroute(forwards);
  await dialog.getByRole("button", { name: "Forward to Second" }).click();
  await alice.locator(".toast").getByText("Forwarded to stranger, Target, Second").waitFor();
  await dialog.waitFor({ state: "detached" });
  await open(alice, "stranger");
  for (const text of ["Pass it on", "Look at this"]) await message(alice, text).waitFor();
  const contentsOf = async (id) => (await call("GET", `conversations/${id}/messages`, "bob")).items.map((it) => it.content);
  // Bob is in no conversation with the stranger.
  const stranger = await visitAs("stranger");
  await open(stranger, "alice");
  await stranger.locator(".message .mark").getByText("Forwarded from bob").waitFor();
  deepEqual(await contentsOf(target), ["Pass it on", "Look at this"]);
  deepEqual(await contentsOf(second), ["Pass it on", "Look at this"]);
});

// An offer moves its conversation in the list, counts as unread, and stands under its day.
test("An offer moves its conversation and counts as unread", [], async () => {
  const id = await group("Market", "bob");
  await post("messages", "alice", { conversationId: id, content: "Hello" });
  await post(`conversations/${id}/read`, "bob", {});
  await post("messages", "alice", { conversationId: await group("Other", "bob"), content: "Later" });
  const bob = await visitAs("bob");
  await listed(bob, "Other").waitFor();
  const offer = await post(`conversations/${id}/offers`, "alice", { title: "Bike", amount: 12_000, currency: "CHF" });
  const market = listed(bob, "Market");
  await market.locator(".count").getByText("1", { exact: true }).waitFor();
  // The notification that is counted and the offer are events of their own.
  await market.locator(".last").getByText("alice").waitFor();
  equal((await namesIn(bob))[0], "Market");
  equal((await market.locator(".last").textContent()).replace(/\s/g, " "), "alice: Offer: CHF 120.00");
  await bob.reload();
  await market.locator(".count").getByText("1", { exact: true }).waitFor();
  await market.click();
  await opened(bob, "Market");
  await market.locator(".count").waitFor({ state: "detached" });
  await bob.getByRole("button", { name: "Offers" }).click();
  await bob.getByRole("button", { name: "Make an offer" }).click();
  equal(await bob.getByRole("combobox", { name: "Currency" }).inputValue(), "CHF");
  await bob.keyboard.press("Escape");
  await post(`offers/${offer.id}/withdraw`, "alice", {});
  await open(bob, "Other");
  await market.locator(".last").getByText("Withdrawn").waitFor();
  equal((await market.locator(".last").textContent()).replace(/\s/g, " "), "alice: Offer: CHF 120.00 · Withdrawn");
  await open(bob, "Market");
  deepEqual(await bob.locator(".conversation .day").allTextContents(), ["today"]);
});

// Without the setting, the page shows no offers.
test("Without the setting the page has no offers", [], async () => {
  const id = await group("Shop", "bob");
  await post("messages", "alice", { conversationId: id, content: "Hello" });
  await post(`conversations/${id}/offers`, "alice", { title: "Bike", amount: 12_000, currency: "EUR" });
  const bob = await visitAs("bob");
  // As a server with the setting off answers.
  const described = new Promise((answered) =>
    bob.route("**/api/v1/server", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), offers: false } });
      answered();
    }),
  );
  await bob.reload();
  await arrived("an answer about the server", described);
  await open(bob, "Shop");
  await message(bob, "Hello").waitFor();
  equal(await bob.getByRole("button", { name: "Offers" }).count(), 0);
  equal(await bob.locator(".offer").count(), 0);
  equal(await listed(bob, "Shop").locator(".last").textContent(), "alice: Hello");
});

// What is written and not sent is in its row, which moves up with a message; a reload without a network keeps all of it.
test("What is not sent is in its row and outlives a reload", [], async () => {
  const ids = {};
  for (const name of ["Waits", "With a file", "With a thread", "Above"]) {
    ids[name] = await group(name, "bob");
    await post("messages", "bob", { conversationId: ids[name], content: `In ${name}` });
  }
  const alice = await visitAs("alice", { expected: LOST, installs: true });
  await open(alice, "With a thread");
  await act(alice, "In With a thread", "Reply in thread");
  await composer(alice.locator(".panel")).fill("Half a reply");
  await open(alice, "With a file");
  const files = ["one.txt", "two.txt"].map((name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) }));
  await alice.locator(".composer input[type=file]").setInputFiles(files);
  await alice.locator(".composer .tray li").nth(1).waitFor();
  await open(alice, "Waits");
  await message(alice, "In Waits").waitFor();
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  deepEqual((await namesIn(alice)).slice(0, 1), ["Above"]);
  await alice.context().setOffline(true);
  await alice.locator(".connection").waitFor();
  await say(alice, "Written **offline**");
  const clock = listed(alice, "Waits").getByRole("img", { name: "Waiting for the connection" });
  await clock.waitFor();
  const rows = async () => {
    const lastOf = (name) => listed(alice, name).locator(".last").textContent();
    return [(await namesIn(alice))[0], await lastOf("Waits"), await lastOf("With a file"), await lastOf("With a thread")];
  };
  const written = await rows();
  deepEqual(
    written.map((text) => text.trim()),
    ["Waits", "You: Written offline", "Draft: 2 files", "Draft in a thread"],
  );
  // It is seen before it is stored.
  await until(() => kept(alice, "letters", "talkwire"), (all) => all.includes("Written **offline**"));
  await until(() => kept(alice, "states"), (all) => all.includes("In Waits"));
  await alice.reload();
  await clock.waitFor();
  await becomes(rows, written);
  const buttons = [/^Threads/, /^Notifications/, /^Offers$/].map((name) => alice.getByRole("button", { name }).count());
  deepEqual(await Promise.all(buttons), [1, 1, 1], "the buttons of threads, notifications and offers");
  await alice.context().setOffline(false);
  // While it is sent, the clock has another name.
  await listed(alice, "Waits").locator(".last .icon").waitFor({ state: "detached" });
  equal(await listed(alice, "Waits").locator(".last").textContent(), "You: Written offline");
});

const OPENERS = ["New conversation", "Browse public conversations", "People"];

// What is above in a dialog stays where it is when its list arrives: a press would end beside what it began on.
test("A dialog stays in its place when its list arrives", [], async () => {
  const alice = await visitAs("alice");
  const top = async () => {
    await alice.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
    return alice.locator("dialog[open] .dialog-close").evaluate((button) => button.getBoundingClientRect().top);
  };
  const height = () => alice.locator("dialog[open]").evaluate((dialog) => dialog.getBoundingClientRect().height);
  for (const name of OPENERS) {
    let release;
    const released = new Promise((resolve) => {
      release = resolve;
    });
    await alice.route("**/api/v1/**", (route) => released.then(() => route.fallback()));
    await alice.locator(".sidebar").getByRole("button", { name, exact: true }).click();
    const before = await top();
    const low = await height();
    release();
    await alice.unroute("**/api/v1/**");
    await until(height, (now) => now !== low);
    equal(await top(), before, name);
    await alice.keyboard.press("Escape");
    await alice.locator("dialog[open]").waitFor({ state: "detached" });
  }
});
