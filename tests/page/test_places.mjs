// Conversations: how they are opened, found, run, listed and left.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  act,
  call,
  choose,
  composer,
  conversations,
  field,
  listed,
  markAllAsRead,
  message,
  messages,
  open,
  opened,
  post,
  say,
  start,
  submitAccount,
  until,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const DOT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

const panel = (page) => page.locator(".panel[aria-label=Details]");
const row = (page, name) => panel(page).locator(".member").filter({ hasText: name });
const MUTED = /^A moderator has muted you here until .*: Too loud$/s;
const readOnly = (page) => page.getByText("Only the owner and admins can write in this channel.");

async function showDetails(page) {
  await page.getByRole("button", { name: "Details" }).click();
  await panel(page).getByRole("heading", { name: "Details" }).waitFor();
}

async function manage(page, name, deed) {
  await row(page, name).getByRole("button", { name: `Manage ${name}` }).click();
  await page.getByRole("menuitem", { name: deed, exact: true }).click();
}

async function fromList(page, name, action) {
  await listed(page, name).click({ button: "right" });
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

// A public channel is found and joined; who may write there changes while it is open.
test("A public channel is joined and only those who run it write", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("button", { name: /^New channel/ }).click();
  await field(alice, "Channel name").fill("Announcements");
  await alice.getByRole("button", { name: "Create", exact: true }).click();
  await opened(alice, "Announcements");

  await bob.locator(".side-buttons").getByRole("button", { name: "Browse public conversations" }).click();
  await bob.getByLabel("Find a group or channel").fill("announ");
  await bob.getByRole("button", { name: "Join Announcements" }).click();
  await readOnly(bob).waitFor();
  equal(await composer(bob).count(), 0);
  await say(alice, "Welcome");
  await message(bob, "Welcome").waitFor();

  await showDetails(alice);
  await manage(alice, "bob", "Make admin");
  await composer(bob).waitFor();
  await row(alice, "bob").getByText("Admin", { exact: true }).waitFor();
  await say(bob, "Thank you");
  await message(alice, "Thank you").waitFor();
  await manage(alice, "bob", "Remove as admin");
  await readOnly(bob).waitFor();
  await showDetails(bob);
  await row(bob, "alice").getByText("Owner", { exact: true }).waitFor();
  equal(await panel(bob).getByRole("button", { name: /^(Add people|Edit|Delete|Manage)/ }).count(), 0);
});

// A public group is found among more public conversations than a page holds, joined, and everybody in it writes.
// Anyone who is muted there still reads why after a reload.
test("A public group is found and joined, and a mute outlasts a reload", [], async () => {
  for (let number = 0; number < 55; number += 1) {
    await post("conversations", "carol", { kind: "channel", name: `Many ${number}`, memberIds: [], public: true });
  }
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("button", { name: /^New group/ }).click();
  await field(alice, "Group name").fill("Lounge");
  await alice.getByLabel("Anyone can find and join it").check();
  await alice.getByRole("button", { name: "Create", exact: true }).click();
  await opened(alice, "Lounge");
  await listed(alice, "Lounge").getByText("Public group").waitFor({ state: "attached" });

  await bob.locator(".side-buttons").getByRole("button", { name: "Browse public conversations" }).click();
  const shown = bob.locator("dialog ul.public li");
  await shown.nth(49).waitFor();
  equal(await shown.count(), 50);
  await bob.getByRole("button", { name: "Show more" }).click();
  await bob.getByRole("button", { name: "Show more" }).waitFor({ state: "detached" });
  await bob.getByRole("button", { name: "Join Lounge" }).click();
  await opened(bob, "Lounge");
  await say(bob, "Hello everybody");
  await message(alice, "Hello everybody").waitFor();

  await showDetails(alice);
  await manage(alice, "bob", "Mute…");
  await field(alice, "Reason (they will see it)").fill("Too loud");
  await alice.locator("dialog[open]").getByRole("button", { name: "Mute", exact: true }).click();
  await bob.getByText("A moderator has muted you here").waitFor();
  await bob.reload();
  await bob.getByText("A moderator has muted you here").waitFor();
  match(await bob.locator(".read-only").textContent(), MUTED);
  await manage(alice, "bob", "Unmute");
  await composer(bob).waitFor();
  await manage(alice, "bob", "Remove");
  equal(
    await alice.getByRole("dialog").getByRole("paragraph").first().textContent(),
    "They can join again, since anyone can find this conversation. Ban them to keep them out.",
  );
});

// Names, removals and bans reach those who are there at once.
test("Names, roles and removals reach everybody at once", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  // What she asks for at the moment when she is banned is refused.
  const carol = await visitAs("carol", { expected: /status of 403/ });
  await start(alice, ["bob", "carol"], "Crew");
  for (const page of [bob, carol]) await open(page, "Crew");
  await showDetails(alice);
  await panel(alice).getByRole("button", { name: "Edit" }).click();
  await field(alice, "Name").fill("The crew");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  for (const page of [bob, carol]) await opened(page, "The crew");

  await manage(alice, "carol", "Mute…");
  await field(alice, "Reason (they will see it)").fill("Too loud");
  await alice.locator("dialog[open]").getByRole("button", { name: "Mute", exact: true }).click();
  await carol.getByText("A moderator has muted you here").waitFor();
  match(await carol.locator(".read-only").textContent(), MUTED);
  await row(alice, "carol").getByRole("img", { name: /^Muted by a moderator/ }).waitFor();
  await manage(alice, "carol", "Unmute");
  await row(alice, "carol").getByRole("img", { name: /^Muted by a moderator/ }).waitFor({ state: "detached" });

  await manage(alice, "carol", "Remove");
  const removal = alice.getByRole("dialog", { name: "Remove carol?" });
  equal(
    await removal.getByRole("paragraph").first().textContent(),
    "They can no longer read or write here unless they are added again or use an invitation link. " +
      "Ban them to keep them out.",
  );
  await removal.getByRole("button", { name: "Cancel" }).click();
  await manage(alice, "carol", "Ban…");
  await alice.getByRole("button", { name: "Ban", exact: true }).click();
  await carol.getByText(/^You were banned from The crew\b/).waitFor();
  await listed(carol, "The crew").waitFor({ state: "detached" });
  await panel(alice).getByRole("button", { name: "Unban carol" }).click();
  await panel(alice).getByRole("region", { name: "Banned" }).waitFor({ state: "detached" });
  await panel(alice).getByRole("button", { name: "Add people" }).click();
  await choose(alice, "carol");
  await alice.locator("dialog").getByRole("button", { name: "Add people" }).click();
  await listed(carol, "The crew").waitFor();
  await panel(alice).getByText("3 members").waitFor();

  await manage(alice, "bob", "Make owner");
  await alice.locator("dialog").getByRole("button", { name: "Make owner" }).click();
  await row(alice, "bob").getByText("Owner", { exact: true }).waitFor();
  // That alice is no longer the owner comes on its own.
  await panel(alice).getByRole("button", { name: "Delete" }).waitFor({ state: "detached" });
  equal(await panel(alice).getByRole("button", { name: "Delete" }).count(), 0);
  await fromList(carol, "The crew", "Leave");
  equal(
    await carol.locator("dialog").getByRole("paragraph").first().textContent(),
    "You won't get new messages from it anymore. What you saved there is removed from your saved messages for good.",
  );
  await carol.locator("dialog").getByRole("button", { name: "Leave" }).click();
  await listed(carol, "The crew").waitFor({ state: "detached" });
  await panel(alice).getByText("2 members").waitFor();
  await showDetails(bob);
  await panel(bob).getByRole("button", { name: "Delete" }).click();
  const deletes = bob.locator("dialog").getByRole("button", { name: "Delete" });
  await bob.getByLabel("To confirm, type “The crew”").fill("The crow");
  equal(await deletes.isEnabled(), false);
  await bob.getByLabel("To confirm, type “The crew”").fill("The crew");
  await deletes.click();
  await alice.locator(".toast p").getByText("The crew was deleted.").waitFor();
});

// That a group was deleted is no error, neither for those who deleted it nor for the others, and needs no closing.
test("That a group was deleted is no error", [], async () => {
  const [alice, bob] = [await visitAs("alice", { clock: true }), await visitAs("bob", { clock: true })];
  await start(alice, ["bob", "carol"], "Short-lived");
  await opened(alice, "Short-lived");
  await open(bob, "Short-lived");
  await showDetails(alice);
  await panel(alice).getByRole("button", { name: "Delete" }).click();
  await alice.getByLabel("To confirm, type “Short-lived”").fill("Short-lived");
  await alice.locator("dialog").getByRole("button", { name: "Delete" }).click();
  for (const page of [alice, bob]) {
    await page.locator(".toast p, .notice p").getByText("Short-lived was deleted.").waitFor();
    equal(await page.locator(".notice p").count(), 0);
    // Longer than other toasts are shown.
    await page.clock.runFor(6_000);
    equal(await page.locator(".toast:popover-open").count(), 1);
    await page.clock.runFor(6_000);
    equal(await page.locator(".toast:popover-open").count(), 0);
  }
});

// Groups have square pictures wherever they stand beside people, and the list of public ones says what each is.
test("Groups have square pictures", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Square", public: true });
  await post("conversations", "alice", { kind: "channel", memberIds: [], name: "Square news", public: true });
  const alice = await visitAs("alice", { path: `/#/conversation/${id}` });
  await opened(alice, "Square");
  const isSquare = (locator) => locator.evaluate((it) => it.classList.contains("place"));
  await showDetails(alice);
  await panel(alice).getByRole("button", { name: "Edit" }).click();
  ok(await isSquare(alice.locator("dialog .picture-field .avatar")));
  await alice.keyboard.press("Escape");
  await alice.locator("dialog").waitFor({ state: "detached" });
  await alice.keyboard.press("Control+k");
  const choice = alice.locator(".switcher [role=option]").filter({ hasText: "Square" }).first();
  ok(await isSquare(choice.locator(".avatar")));
  await alice.keyboard.press("Escape");
  await alice.locator("dialog").waitFor({ state: "detached" });
  await alice.getByRole("button", { name: "Browse public conversations" }).first().click();
  await alice.getByLabel("Find a group or channel").fill("Square");
  const rows = alice.locator("dialog .public-who");
  await until(() => rows.count(), (count) => count === 2);
  const kinds = await rows.evaluateAll((all) => all.map((row) => row.innerText.replaceAll("\u00a0", " ").split("\n").join(": ")));
  deepEqual(kinds.map((text) => text.trim()).sort(), ["Square news: Channel · 1 member", "Square: Group · 2 members"]);
});

// The list of people stays open while several are added. It highlights what Enter takes, and nothing before.
test("People are added one after the other", [], async () => {
  const alice = await visitAs("alice", { viewport: { width: 1440, height: 500 } });
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("button", { name: /^New group/ }).click();
  const find = alice.getByRole("combobox", { name: "Find people" });
  const found = alice.locator(".found [role=option]");
  const marked = alice.locator(".found [aria-selected=true]");
  await found.getByText("bob", { exact: true }).waitFor();
  equal(await marked.count(), 0);
  await find.fill("bob");
  await marked.getByText("bob", { exact: true }).waitFor();
  await find.press("Enter");
  await alice.locator(".chosen").getByText("bob").waitFor();
  equal(await find.inputValue(), "");
  await found.getByText("carol", { exact: true }).click();
  await alice.locator(".chosen").getByText("carol").waitFor();
  await alice.locator("[role=combobox]:focus").waitFor();
  const start = await alice.getByRole("button", { name: "Create", exact: true }).boundingBox();
  ok(await found.first().isVisible());
  ok(start.y + start.height <= 500);
});

// What the list says, and what can be done from it.
test("The list is filtered and says what waits", [], async () => {
  // What others have left unread is not listed here.
  for (const { id } of (await call("GET", "conversations", "alice")).items) await post(`conversations/${id}/read`, "alice", {});
  const alice = await visitAs("alice", { path: "/#/" });
  await post("messages", "bob", { conversationId: "talk-123", content: "One" });
  await post("messages", "bob", { conversationId: "test-conv", content: "Two" });
  await listed(alice, "test-conv").getByTitle("1 unread").waitFor();
  await alice.getByRole("button", { name: "Unread only" }).click();
  await listed(alice, "conv-456").waitFor({ state: "detached" });
  deepEqual(await conversations(alice).locator(".name").allTextContents(), ["test-conv", "talk-123"]);
  await fromList(alice, "talk-123", "Mark as read");
  await listed(alice, "talk-123").waitFor({ state: "detached" });
  await markAllAsRead(alice);
  await alice.getByText("You're all caught up").waitFor();
  await alice.getByRole("button", { name: "Show all conversations" }).click();
  await listed(alice, "conv-456").waitFor();

  await fromList(alice, "test-conv", "Mute");
  await alice.getByRole("menuitem", { name: "Until I turn it back on" }).click();
  await listed(alice, "test-conv").getByRole("img", { name: "Muted" }).waitFor();
  await open(alice, "conv-456");
  await composer(alice).fill("not yet");
  await open(alice, "talk-123");
  equal(await listed(alice, "conv-456").locator(".last").textContent(), "Draft: not yet");

  const search = alice.getByRole("searchbox");
  await search.fill("test");
  await listed(alice, "talk-123").waitFor({ state: "detached" });
  await search.press("Enter");
  await opened(alice, "test-conv");
});

// Runs in the page. Rows are hidden until the list has measured them.
function lowerHalfIsDrawn() {
  const { top, bottom } = document.querySelector(".conversations").getBoundingClientRect();
  return [...document.querySelectorAll(".conversations a")].some((it) => {
    const row = it.getBoundingClientRect();
    return row.bottom > (top + bottom) / 2 && row.top < bottom && getComputedStyle(it).visibility === "visible";
  });
}

// Of very many conversations few are in the document, and all can be reached.
test("Of many conversations few are in the document", [], async () => {
  for (let number = 1; number <= 250; number++) {
    await post("conversations", "carol", { kind: "group", name: `Group ${number}`, memberIds: [] });
  }
  const carol = await visitAs("carol");
  const list = carol.locator(".conversations");
  let most = 0;
  while (!(await listed(carol, "Group 1").isVisible())) {
    most = Math.max(most, await conversations(carol).count());
    // By less than what is in sight, so that nothing is passed by.
    await list.evaluate((it) => (it.scrollTop += it.clientHeight / 2));
    await carol.waitForFunction(lowerHalfIsDrawn);
  }
  ok(most > 0 && most < 60);
});

// All of very many conversations exist for anyone who searches, counts, forwards or goes through them.
test("All of very many conversations can be found and read", ["own_slow_server"], async () => {
  const ids = [];
  for (let number = 1; number <= 250; number++) {
    const body = { kind: "group", name: `Room ${number}`, memberIds: ["test"] };
    ids.push((await post("conversations", "carol", body)).id);
  }
  // The oldest and the newest.
  for (const id of [ids[0], ids[1], ids[249]]) await post("messages", "carol", { conversationId: id, content: `In ${id}` });
  for (const id of ids.slice(2)) await post("messages", "carol", { conversationId: id, content: "Later" });
  const page = await visitAs("test");
  equal((await until(() => page.title(), (text) => text.startsWith("(251)"))).slice(0, 5), "(251)");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").fill("room 1");
  await page.getByRole("option", { name: /^Room 1\b/ }).first().click();
  await opened(page, "Room 1");
  equal(await listed(page, "Room 1").getAttribute("aria-current"), "page");
  const search = page.getByRole("searchbox", { name: "Search conversations, people, messages" });
  await search.fill("room 2");
  await listed(page, "Room 2").waitFor();
  await search.fill("");
  await act(page, `In ${ids[0]}`, "Forward");
  const dialog = page.getByRole("dialog");
  await dialog.locator("input").first().fill("room 2");
  await dialog.getByText("Room 2", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await markAllAsRead(page);
  await until(() => page.title(), (text) => !text.startsWith("("));
  // The page shows it before the server knows.
  await becomes(async () => {
    const all = await Promise.all(ids.map((id) => call("GET", `conversations/${id}`, "test")));
    return all.filter(({ unreadCount }) => unreadCount > 0).length;
  }, 0);
});

// The same of very many members, who are found by their names too.
test("Of many members few are in the document, and all are found", [], async () => {
  const memberIds = Array.from({ length: 150 }, (_, number) => `guest-${String(number + 1).padStart(3, "0")}`);
  for (const id of memberIds) await call("GET", "users/me", id);
  await post("conversations", "test", { kind: "group", name: "Crowd", memberIds });
  const page = await visitAs("test");
  await open(page, "Crowd");
  await showDetails(page);
  const rows = panel(page).locator(".member");
  // Members that are out of sight are not in the document.
  await page.getByRole("searchbox", { name: "Find a member" }).scrollIntoViewIfNeeded();
  await rows.first().waitFor();
  let most = 0;
  while (!(await row(page, "guest-150").isVisible())) {
    most = Math.max(most, await rows.count());
    await panel(page)
      .locator(".panel-content")
      .evaluate((it) => {
        it.scrollTop += 600;
        return new Promise(requestAnimationFrame);
      });
  }
  await page.getByRole("searchbox", { name: "Find a member" }).fill("guest-07");
  await row(page, "guest-150").waitFor({ state: "detached" });
  await rows.nth(9).waitFor();
  ok(most > 0 && most < 80);
  equal(await rows.count(), 10);
});

// The page shows a newcomer what to do.
test("A new user sees what to do", [], async () => {
  const erna = await visit();
  await submitAccount(erna, { Name: "Erna", "E-mail": "erna@example.com", Password: "correct horse" });
  const cards = erna.locator("main .start-card");
  await cards.first().waitFor();
  deepEqual(
    await cards.locator("strong").allTextContents(),
    ["Create a group", "Browse public conversations", "Add your picture"],
  );
  const ways = [
    [erna.locator("main").getByRole("button", { name: "Start a conversation" }), "New conversation"],
    [cards.filter({ hasText: "Create a group" }), "New group"],
  ];
  const FOCUSED = { "New conversation": "Find people by name or handle", "New group": "Group name" };
  for (const [way, kind] of ways) {
    await way.click();
    await erna.getByLabel("Find people").waitFor();
    equal(await erna.locator("dialog h2").first().textContent(), kind);
    equal(
      await erna.locator("dialog :focus").evaluate((it) => it.ariaLabel ?? it.labels[0].firstChild.textContent),
      FOCUSED[kind],
    );
    await erna.keyboard.press("Escape");
    await erna.locator("dialog").waitFor({ state: "detached" });
  }
  await erna.getByRole("button", { name: "Add your picture" }).click();
  await erna.getByRole("dialog").getByRole("button", { name: "Choose a picture" }).waitFor();
  await erna.keyboard.press("Escape");
  equal(await erna.locator(".empty-state").count(), 1);
  equal(await erna.locator(".conversations").textContent(), "Your conversations appear here.");
  await erna.setViewportSize({ width: 390, height: 700 });
  const { x: left, width } = await erna.locator(".sidebar .start-cards").boundingBox();
  deepEqual([left, 390 - left - width], [16, 16]);
  await erna.locator(".sidebar .start-card").filter({ hasText: "Browse public conversations" }).click();
  await erna.getByLabel("Find a group or channel").waitFor();
  await erna.keyboard.press("Escape");
  equal(await erna.locator(".empty-state").count(), 1);
  // One choice opens the conversation with one of a few people.
  const people = erna.locator(".sidebar .start-faces button");
  await people.first().waitFor();
  equal(await people.count(), 4);
  const name = await people.first().locator("bdi").textContent();
  await people.first().click();
  await erna.getByRole("heading", { name }).waitFor();
  await composer(erna).waitFor();
});

// Who came later and does not see what was said before, and who may not write, in a group.
test("First steps of who came later or may not write", [], async () => {
  const later = { kind: "group", memberIds: [], name: "Newcomers", history: "from-join" };
  const { id } = await post("conversations", "alice", later);
  await post("messages", "alice", { conversationId: id, content: "Said before" });
  await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
  const quiet = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Quiet" });
  for (const each of [id, quiet.id]) await call("PUT", `conversations/${each}/mutes/bob`, "alice", {});
  const bob = await visitAs("bob");
  const says = async (name) => {
    await listed(bob, name).click();
    await bob.getByRole("heading", { name, exact: true }).waitFor();
    return bob.locator(".conversation .first-steps p").first().textContent();
  };
  deepEqual(
    [await says("Newcomers"), await says("Quiet")],
    ["You see what is written here from now on.", "No messages yet. What others write will appear in this place."],
  );
  await call("DELETE", `conversations/${id}/mutes/bob`, "alice");
  await listed(bob, "Newcomers").click();
  await composer(bob).waitFor();
  equal(await says("Newcomers"), "You see what is written here from now on. Say hello to the group.");
});

// What can be done first where nothing was said yet, and without an open conversation.
test("First steps where nothing is yet", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Unspoken" });
  await post("conversations", "alice", { kind: "channel", memberIds: ["bob"], name: "Unpublished" });
  const bob = await visitAs("bob", { path: `/#/conversation/${id}` });
  const reader = bob.locator(".conversation .first-steps");
  equal(await reader.locator("p").first().textContent(), "No messages yet. Say hello to the group.");
  const alice = await visitAs("alice", { path: "/#/" });
  await alice.locator(".nothing").getByRole("button", { name: "Browse public conversations" }).click();
  await alice.getByLabel("Find a group or channel").waitFor();
  await alice.keyboard.press("Escape");
  await alice.locator(".nothing").getByRole("button", { name: "Start a conversation" }).click();
  await field(alice, "Find people by name or handle").waitFor();
  await alice.keyboard.press("Escape");
  await open(alice, "Unspoken");
  const steps = alice.locator(".conversation .first-steps");
  await steps.getByRole("button", { name: "Add people" }).click();
  await field(alice, "Find people").fill("carol");
  await alice.getByRole("option", { name: "carol" }).first().click();
  await alice.locator("dialog[open]").getByRole("button", { name: "Add people" }).click();
  await alice.locator("dialog[open]").waitFor({ state: "detached" });
  // Neither button keeps the focus: the next thing is to write.
  const written = composer(alice).and(alice.locator(":focus"));
  await written.waitFor();
  await steps.getByText("You, bob, and carol").waitFor();
  await steps.getByRole("button", { name: "Say hello" }).click();
  await messages(alice).getByText("👋").waitFor();
  await written.waitFor();
  const beginning = alice.locator(".beginning");
  const [name, since, people] = await beginning
    .locator("strong, p:not(.group-faces), .group-faces > span:last-child")
    .allTextContents();
  deepEqual([name, people], ["Unspoken", "You, bob, and carol"]);
  match(since, /^This is the beginning of the group, created on \w+ \d+, \d{4}\.$/);
  deepEqual(await beginning.getByRole("button").allTextContents(), ["Add people", "Add a description"]);
  await beginning.getByRole("button", { name: "Add a description" }).click();
  await field(alice, "Description").and(alice.locator(":focus")).fill("What nobody says");
  await alice.locator("dialog[open]").getByRole("button", { name: "Save" }).click();
  await beginning.getByText("What nobody says").waitFor();
  deepEqual(await beginning.getByRole("button").allTextContents(), ["Add people"]);
  await bob.locator(".beginning").getByText("What nobody says").waitFor();
  equal(await bob.locator(".beginning").getByRole("button").count(), 0);
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  deepEqual(items.map(({ content }) => content), ["👋"]);
  const { members } = await call("GET", `conversations/${id}`, "bob");
  deepEqual(members.map(({ userId }) => userId).sort(), ["alice", "bob", "carol"]);
  await listed(bob, "Unpublished").click();
  await bob.getByRole("heading", { name: "Unpublished", exact: true }).waitFor();
  await reader.waitFor();
  equal(await steps.count(), 0);
  equal(
    await reader.locator("p").first().textContent(),
    "No messages yet. What is published here will appear in this place.",
  );
  equal(await reader.getByRole("button").count(), 0);
});

test("All of it fits a narrow screen", [], async () => {
  const { id } = await post("conversations", "user-123", {
    kind: "group",
    name: "A conversation with a very long name indeed",
    memberIds: ["alice", "bob"],
  });
  const page = await visitAs("user-123", { viewport: { width: 320, height: 560 } });
  const measure = async () => equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  const closing = async (opener) => {
    await opener.click();
    await page.locator("dialog[open]").waitFor();
    const box = await page.locator("dialog[open]").boundingBox();
    ok(Math.ceil(box.x + box.width) <= 320 && box.x >= 0);
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
  };
  await closing(page.getByRole("button", { name: "New conversation" }));
  await closing(page.locator(".side-buttons").getByRole("button", { name: "Browse public conversations" }));
  await page.getByRole("button", { name: /^Your account/ }).click();
  await closing(page.getByRole("menuitem", { name: "Settings" }));
  await page.goto(`${page.url().split("#")[0]}#/conversation/${id}`);
  await showDetails(page);
  await row(page, "alice").waitFor();
  await measure();
  await closing(panel(page).getByRole("button", { name: "Edit" }));
  await row(page, "alice").getByRole("button", { name: /alice$/ }).first().click();
  await page.getByRole("dialog", { name: "alice" }).waitFor();
  await measure();
  await call("DELETE", `conversations/${id}`, "user-123");
  await listed(page, "A conversation with a very long name indeed").waitFor({ state: "detached" });
});

// A link to a channel that one has not joined offers that; one to what one may not see says so.
test("A link to what one is not in says why or offers to join", [], async () => {
  const make = (more) => post("conversations", "alice", { memberIds: ["bob"], ...more });
  const open = await make({ kind: "channel", name: "Open to all", public: true });
  await post("messages", "alice", { conversationId: open.id, content: "Welcome" });
  const closed = await make({ kind: "group", name: "Closed" });
  const cases = [
    [closed.id, {}, "You are not a member of this conversation, or it does not exist."],
    [open.id, { viewport: { width: 320, height: 640 } }, "Open to all is a public channel. Join it to read it."],
  ];
  for (const [path, options, says] of cases) {
    const page = await visitAs("carol", { expected: /status of 40[34]/, ...options });
    await page.goto(`${page.url().replace(/#.*|$/, "")}#/conversation/${path}`);
    const why = page.locator("main [role=status]");
    await why.waitFor();
    equal(await why.textContent(), says);
    ok(await why.locator(".drawing").isVisible());
    const join = page.getByRole("button", { name: "Join", exact: true });
    if (path === closed.id) continue;
    await join.click();
    await page.locator(".message").getByText("Welcome").waitFor();
  }
});

// Whom one knows is offered before anything is typed; any word of a name finds it, and an id tells namesakes apart.
test("People are found and namesakes distinguished", [], async () => {
  const names = ["Nora Newcomer", "Nora Newcomer", "Jean Luc Nordholm"];
  for (const [index, name] of names.entries()) {
    const page = await visit();
    await submitAccount(page, { Name: name, "E-mail": `namesake${index}@example.com`, Password: "correct horse" });
    await page.getByRole("button", { name: /^Your account/ }).waitFor();
    await page.context().close();
  }
  const alice = await visitAs("alice");
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("button", { name: /^New group/ }).click();
  const options = alice.locator(".found [role=option]");
  await field(alice, "Find people").focus();
  await options.getByText("bob", { exact: true }).waitFor();
  await options.nth(1).waitFor();
  ok((await options.count()) > 1);
  await field(alice, "Find people").fill("nora");
  await options.nth(1).waitFor();
  equal(new Set(await options.locator(".person-handle").allTextContents()).size, 2);
  await alice.keyboard.press("ArrowDown");
  equal(await options.nth(1).getAttribute("aria-selected"), "true");
  await alice.keyboard.press("Enter");
  equal(await alice.locator(".chosen li").count(), 1);
});

// A group's picture is saved with the rest of the form.
test("A group's picture is saved with the form", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Pictured" });
  const alice = await visitAs("alice");
  await open(alice, "Pictured");
  await showDetails(alice);
  const dialog = alice.locator("dialog[open]").first();
  const edit = async () => {
    await panel(alice).getByRole("button", { name: "Edit", exact: true }).click();
    await dialog.locator(".picture-field").waitFor();
  };
  const choose = async () => {
    await dialog.locator("input[type=file]").setInputFiles({ name: "dot.png", mimeType: "image/png", buffer: DOT });
    await dialog.locator(".picture-field img[src^=blob]").waitFor();
  };
  const avatar = async () => (await call("GET", `conversations/${id}`, "alice")).avatar !== undefined;
  const saves = async () => {
    await dialog.getByRole("button", { name: "Save", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    return avatar();
  };
  await edit();
  await choose();
  await alice.keyboard.press("Escape");
  await alice.getByRole("button", { name: "Discard" }).click();
  await dialog.waitFor({ state: "detached" });
  equal(await avatar(), false);
  await edit();
  await choose();
  equal(await dialog.getByText("takes effect at once").count(), 0);
  equal(await saves(), true);
  await edit();
  await dialog.getByRole("button", { name: "Remove" }).click();
  equal(await avatar(), true);
  equal(await saves(), false);
});
