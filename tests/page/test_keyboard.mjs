// Everything on the page can be done without a mouse, and the focus is never lost.
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import {
  arrived,
  call,
  composer,
  conversations,
  enterAs,
  letters,
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

// What has the focus: how a screen reader would call it, or what it says.
const focused = (page) =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
  });

const focusedMessage = (page) => page.locator("article:focus .text");

async function press(page, ...keys) {
  for (const key of keys) await page.keyboard.press(key);
}

async function inSight(page, content) {
  await message(page, content).waitFor();
  await page.waitForFunction((wanted) => {
    const list = document.querySelector(".scroller").getBoundingClientRect();
    const all = [...document.querySelectorAll(".scroller .text")].filter(({ textContent }) => textContent === wanted);
    return all.some((text) => text.getBoundingClientRect().bottom <= list.bottom);
  }, content);
}

// Goes down an open menu.
async function choose(page, name) {
  await page.locator("[role=menu] :focus").waitFor();
  const seen = [];
  for (let step = 0; step < 15; step++) {
    const at = await page.evaluate(() => document.activeElement.textContent);
    if (at === name) return page.keyboard.press("Enter");
    seen.push(at.slice(0, 30));
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction((before) => document.activeElement.textContent !== before, at);
  }
  throw new Error(`${name} is not reached in the menu: ${seen.join(", ")}`);
}

async function toMessages(page) {
  await tabTo(page, "Messages", "Shift+Tab");
}

// To the last message. A key for it means it only once it has the focus.
async function toMessage(page, content) {
  await press(page, "ArrowUp");
  await focusedMessage(page).getByText(content, { exact: true }).waitFor();
}

// It takes the focus when the page knows that one may write there, which may be after the messages have come.
async function composerFocused(page) {
  await page.locator(".composer textarea:focus").waitFor();
}

// Presses Tab until that is reached; a page on which it cannot be reached fails.
async function tabTo(page, name, key = "Tab") {
  const seen = [];
  for (let step = 0; step < 60; step++) {
    const at = await focused(page);
    if (at === name) return;
    seen.push(at);
    await page.keyboard.press(key);
  }
  throw new Error(`${name} is not reached with Tab: ${seen.join(", ")}`);
}

test("One signs in, talks and signs out without a mouse", [], async () => {
  const page = await visit();
  await page.getByRole("button", { name: "Maya Lindgren" }).waitFor();
  await tabTo(page, "Another user ID");
  await page.keyboard.type("alice");
  await press(page, "Enter");
  await conversations(page).first().waitFor();

  await tabTo(page, "New conversation");
  await press(page, "Enter");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.type("carol");
  await page.locator(".directory [aria-selected=true]").getByText("carol", { exact: true }).waitFor();
  await press(page, "Enter");
  await opened(page, "carol");
  await composerFocused(page);
  await page.keyboard.type("Written without a mouse");
  await press(page, "Enter");
  await message(page, "Written without a mouse").waitFor();
  await letters(page).waitFor({ state: "detached" });

  await toMessages(page);
  await toMessage(page, "Written without a mouse");
  await press(page, "+");
  await page.locator("[frimousse-search]:focus").waitFor();
  await page.keyboard.type("party popper");
  // Enter takes the one that is marked, which is the first one only once the search is over.
  await page.locator("[role=gridcell][data-active]").and(page.getByLabel("Party popper")).waitFor();
  await press(page, "Enter");
  await page.getByRole("button", { name: "🎉, 1" }).waitFor();
  await page.locator("[frimousse-search]").waitFor({ state: "detached" });
  await page.locator(".scroller :focus").waitFor();
  await press(page, "Escape");
  await page.locator(".composer textarea:focus").waitFor();
  await toMessages(page);
  await toMessage(page, "Written without a mouse");
  await press(page, "e");
  await page.getByText("Editing your message").waitFor();
  await page.locator(".composer textarea:focus").waitFor();
  await press(page, "End");
  await page.keyboard.type(", and edited");
  await press(page, "Enter");
  await message(page, "Written without a mouse, and edited").waitFor();

  // As it is written, without the spaces between its parts.
  const account = "Your account:Aaliceonline";
  await page.getByRole("button", { name: /^Your account: alice.* online$/ }).waitFor();
  await tabTo(page, account);
  await press(page, "Enter");
  await page.getByRole("menuitem", { name: "Settings" }).waitFor();
  await choose(page, "Settings");
  await page.locator("dialog[open]").waitFor();
  await press(page, "Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await tabTo(page, account);
  await press(page, "Enter");
  await choose(page, "Sign out");
  await page.getByRole("button", { name: "Maya Lindgren" }).waitFor();
});

test("Keys lead from conversation to conversation", [], async () => {
  const page = await visitAs("bob");
  await post("messages", "alice", { conversationId: "conv-456", content: "for later" });
  // It goes to the top of the list.
  await conversations(page).first().filter({ hasText: "for later" }).waitFor();
  const names = await conversations(page).locator(".name").allTextContents();
  await press(page, "Alt+ArrowDown");
  await opened(page, names[0]);
  await page.locator(".composer textarea:focus").waitFor();
  await press(page, "Alt+ArrowDown");
  await opened(page, names[1]);
  await press(page, "Alt+ArrowUp");
  await opened(page, names[0]);
  // Something new, and it is the next one wherever it stands.
  await post("messages", "alice", { conversationId: "test-conv", content: "news" });
  await conversations(page).filter({ hasText: "news" }).getByTitle("1 unread").waitFor();
  await press(page, "Alt+Shift+ArrowDown");
  await opened(page, "test-conv");

  await press(page, "Control+k");
  const field = page.getByRole("combobox");
  await field.fill("gen");
  await page.getByRole("option", { name: "general", selected: true }).waitFor();
  await press(page, "Enter");
  await opened(page, "general");
  await page.locator(".composer textarea:focus").waitFor();
  await press(page, "Control+k");
  await field.fill("user-123");
  await page.getByRole("option", { name: "user-123", selected: true }).waitFor();
  await press(page, "Enter");
  await opened(page, "user-123");
  await composerFocused(page);

  // A question mark in a text is one; elsewhere it asks.
  await page.keyboard.type("?");
  equal(await composer(page).inputValue(), "?");
  await composer(page).fill("");
  const details = page.getByRole("button", { name: "Details" });
  await details.press("?");
  const keys = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await keys.waitFor();
  ok((await keys.locator("dt").count()) > 10);
  await press(page, "Escape");
  await keys.waitFor({ state: "detached" });
  await details.and(page.locator(":focus")).waitFor();
  equal(await focused(page), "Details");
});

test("Keys lead from message to message, and the focus stays with one out of sight", [], async () => {
  const page = await visitAs("carol");
  const { id } = await post("conversations", "carol", { kind: "group", memberIds: ["alice"], name: "Rows" });
  for (let number = 1; number <= 120; number++) {
    await post("messages", "alice", { conversationId: id, content: `Row ${number}` });
  }
  await post("messages", "carol", { conversationId: id, content: "Row 121" });
  await post(`conversations/${id}/read`, "carol", {});
  // It opens at its end once the page knows that everything is read.
  const rows = conversations(page).filter({ hasText: "You: Row 121" });
  await rows.waitFor();
  await rows.getByTitle(/unread/).waitFor({ state: "detached" });
  await page.goto(`${page.url().split("#")[0]}#/conversation/${id}`);
  await inSight(page, "Row 121");
  await composerFocused(page);
  await toMessages(page);
  await toMessage(page, "Row 121");
  // A key leads nowhere while older messages are still on their way, or not yet measured by the list, which hides them.
  const olderIsDrawn = () => {
    const all = [...document.querySelectorAll(".scroller article")];
    const older = all[all.indexOf(document.activeElement) - 1];
    return older !== undefined && getComputedStyle(older).visibility === "visible";
  };
  for (let number = 120; number >= 21; number--) {
    await page.waitForFunction(olderIsDrawn);
    await press(page, "k");
    await focusedMessage(page).getByText(`Row ${number}`, { exact: true }).waitFor();
  }
  // The list scrolls there when it next draws.
  const place = () => page.locator("article:focus").boundingBox();
  const isInSight = (box) => box !== null && box.y > 0 && box.y + box.height < 700;
  ok(isInSight(await until(place, isInSight)));

  // It keeps the focus while it is far out of sight. The next key leads to what is on the screen.
  await page.mouse.move(700, 300);
  await page.mouse.wheel(0, 100_000);
  await inSight(page, "Row 121");
  equal(await focusedMessage(page).textContent(), "Row 21");
  await press(page, "ArrowUp");
  await focusedMessage(page).getByText("Row 121", { exact: true }).waitFor();
  await press(page, "PageUp");
  const listTop = (await page.locator(".scroller").boundingBox()).y;
  const listEnd = (await page.locator(".composer").boundingBox()).y;
  await until(place, (at) => at.y > listEnd);
  await press(page, "ArrowDown");
  const paged = await until(place, ({ y }) => y > listTop && y < listEnd);
  ok(paged.y + paged.height > listTop && paged.y < listEnd);

  await press(page, "r");
  await page.getByText("Replying to alice").waitFor();
  await page.locator(".composer textarea:focus").waitFor();
  await press(page, "Escape");
  await page.getByText("Replying to alice").waitFor({ state: "detached" });
  // In the empty message field, which has the focus now, Escape leads to the newest message.
  await press(page, "Escape");
  await message(page, "Row 121").waitFor();
});

test("The list of conversations can be skipped", [], async () => {
  const page = await visitAs("alice");
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Skipping" });
  await post("messages", "alice", { conversationId: id, content: "to skip to" });
  await page.goto(`${page.url().split("#")[0]}#/conversation/${id}`);
  await opened(page, "Skipping");
  await composerFocused(page);
  await message(page, "to skip to").waitFor();
  await tabTo(page, "Skip to the messages");
  ok(await page.evaluate(() => document.querySelector("a, button") === document.activeElement));
  await press(page, "Enter");
  equal(await focused(page), "Messages");
  await tabTo(page, "Skip to the message field");
  await press(page, "Enter");
  equal(await focused(page), "Message");
});

test("A closed dialog does not take the focus back", [], async () => {
  const page = await visitAs("alice");
  await page.getByRole("button", { name: /^Your account: alice/ }).click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.locator("dialog[open]").waitFor();
  // The page receives the closing after this, as when keys follow each other on a busy machine.
  await page.evaluate(() => {
    document.querySelector("dialog[open]").close();
    document.querySelector("aside [type=search]").focus();
  });
  await page.locator("dialog").waitFor({ state: "detached" });
  equal(await focused(page), "Search conversations, people, messages");
});

test("The focus stays where a message was deleted", [], async () => {
  const page = await visitAs("alice");
  // With a message before it that has the same author, the keys would lead to that one.
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Deleting" });
  await page.goto(`${page.url().split("#")[0]}#/conversation/${id}`);
  await opened(page, "Deleting");
  await say(page, "soon gone");
  await message(page, "soon gone").waitFor();
  await letters(page).waitFor({ state: "detached" });
  await toMessages(page);
  await toMessage(page, "soon gone");
  await press(page, "Delete");
  const confirm = page.getByRole("dialog").getByRole("button", { name: "Delete" });
  const gone = page.locator(".gone");
  await confirm.or(gone).first().waitFor();
  if (await confirm.isVisible()) await confirm.press("Enter");
  await gone.waitFor();
  await page.locator(".scroller:focus, .scroller :focus").waitFor();
});

// Typing while the focus is on the list of messages or nowhere writes a message.
test("What is typed nowhere is written into the message field", [], async () => {
  const alice = await visitAs("alice");
  await open(alice, "general");
  await say(alice, "Something said");
  await message(alice, "Something said").waitFor();
  await alice.locator(".scroller").focus();
  await alice.keyboard.type("from the list");
  await alice.evaluate(() => document.activeElement.blur());
  await alice.keyboard.type(", from nowhere");
  equal(await composer(alice).inputValue(), "from the list, from nowhere");
});

// Who has reacted with the keys continues with the keys of the message. The row of the open conversation leads to its
// field.
test("Keys continue after a reaction and at the row of the open conversation", [], async () => {
  const alice = await visitAs("alice");
  await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Going on" });
  await open(alice, "Going on");
  await say(alice, "React to me");
  await letters(alice).waitFor({ state: "detached" });
  await toMessages(alice);
  await toMessage(alice, "React to me");
  await press(alice, "+");
  await alice.getByRole("dialog").getByRole("searchbox").fill("tada");
  await alice.locator("[role=gridcell][data-active]").filter({ hasText: "🎉" }).waitFor();
  await press(alice, "Enter");
  await alice.locator(".reactions button").first().waitFor();
  await alice.locator("article :focus").waitFor();
  await press(alice, "t");
  const panel = alice.getByRole("region", { name: /^Thread/ });
  await panel.getByRole("textbox", { name: "Message", exact: true }).and(alice.locator(":focus")).waitFor();
  await press(alice, "Escape");
  await panel.waitFor({ state: "detached" });
  await conversations(alice).filter({ hasText: "Going on" }).click();
  await composer(alice).and(alice.locator(":focus")).waitFor();
  await alice.keyboard.type("a thought");
  equal(await composer(alice).inputValue(), "a thought");
});

// After a click on a message or on something in it, letters are a text: k, p, r, t and e are no commands.
test("Typing after a click on a message is a text", [], async () => {
  const alice = await visitAs("alice");
  // With a message before it that has the same author, its toolbar would have fewer buttons.
  await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Clicking" });
  await open(alice, "Clicking");
  await say(alice, "Clicked");
  const posted = alice.locator(".conversation article").filter({ hasText: "Clicked" }).last();
  await letters(alice).waitFor({ state: "detached" });
  await posted.click();
  await posted.and(alice.locator(":focus")).waitFor();
  await alice.keyboard.type("kept");
  await posted.hover();
  await posted.getByRole("button", { name: "More actions" }).hover();
  await posted.locator(".actions .quick").first().click();
  const reaction = posted.locator(".reactions button").first();
  await reaction.waitFor();
  await alice.keyboard.type(", prompter");
  // In a thread, in its own field. What is open already is only led to.
  const panel = alice.getByRole("region", { name: /^Thread/ });
  const field = panel.getByRole("textbox", { name: "Message", exact: true });
  for (const text of ["one", "two"]) {
    await posted.hover();
    await posted.getByRole("button", { name: "Reply in thread" }).click();
    await field.and(alice.locator(":focus")).waitFor();
    await alice.keyboard.type(text);
  }
  await panel.locator("article").first().click();
  await alice.keyboard.type(", three");
  equal(await composer(alice.locator(".conversation")).inputValue(), "kept, prompter");
  equal(await field.inputValue(), "onetwo, three");
});

// The search of people has the focus, and lists those whom the reader knows; on a touch screen it waits for a tap.
test("A new conversation begins with the search of people", [], async () => {
  for (const [options, expected] of [[{}, "combobox"], [{ hasTouch: true, isMobile: true }, "DIALOG"]]) {
    const page = await visitAs("alice", options);
    await page.getByRole("button", { name: "New conversation" }).first().click();
    await page.locator(".directory [role=option]").getByText("bob", { exact: true }).waitFor();
    const role = () => document.activeElement.getAttribute("role") ?? document.activeElement.tagName;
    equal(await page.evaluate(role), expected);
  }
});

// "Set a status" leads to its field. A preset fills in the text and its end.
test("Setting a status leads to its field and presets", [], async () => {
  const page = await visitAs("alice");
  await page.getByRole("button", { name: /^Your account: alice/ }).click();
  await page.getByRole("menuitem", { name: /^Set a status/ }).click();
  const field = page.locator("dialog[open] [name=text]");
  await field.waitFor();
  await page.locator("dialog[open] :focus").waitFor();
  ok(await field.evaluate((it) => it === document.activeElement));
  await page.locator("dialog[open]").getByRole("button", { name: /In a meeting/ }).click();
  equal(await field.inputValue(), "🗓️ In a meeting");
  equal(await page.getByLabel("Clear after").inputValue(), "hour");
  await page.locator("dialog[open]").getByRole("button", { name: "Save" }).click();
  await page.locator("dialog").waitFor({ state: "detached" });
  const { text, textUntil } = await call("GET", "users/me/presence", "alice");
  equal(text, "🗓️ In a meeting");
  notEqual(textUntil, undefined);
});

// Each Escape closes one thing, also where the dialog has replaced what had the focus.
test("Each Escape closes one thing", [], async () => {
  const page = await visitAs("alice");
  await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "One by one" });
  await open(page, "One by one");
  await page.getByRole("button", { name: "Details" }).click();
  const panel = page.locator(".panel");
  await panel.getByRole("button", { name: "Create invitation link" }).click();
  await page.locator("dialog[open]").getByRole("button", { name: "Create invitation link" }).click();
  await page.getByRole("textbox", { name: "Invitation link" }).waitFor();
  await press(page, "Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  equal(await panel.count(), 1);
  await press(page, "Escape");
  await panel.waitFor({ state: "detached" });
});

// Tab reaches each row of the list once. Its menu opens by Shift+F10, and by its button beside the row.
test("Tab reaches each row of the list once", [], async () => {
  const page = await visitAs("alice");
  await conversations(page).nth(1).waitFor();
  const rowOf = () =>
    page.evaluate(() => [...document.querySelectorAll(".conversations a")].indexOf(document.activeElement));
  await conversations(page).first().focus();
  await press(page, "Tab");
  equal(await rowOf(), 1);
  await press(page, "ArrowRight");
  equal(await page.evaluate(() => document.activeElement.getAttribute("aria-haspopup")), "menu");
  await press(page, "ArrowLeft");
  equal(await rowOf(), 1);
  await press(page, "Shift+F10");
  await page.locator("[role=menu] :focus").waitFor();
});

// Holds back a part of the page until `release` is called. `asked`: resolves when the page asks for it.
async function heldBack(page, part) {
  let [release, ask] = [];
  const released = new Promise((resolve) => (release = resolve));
  const asked = new Promise((resolve) => (ask = resolve));
  await page.route(part, async (route) => {
    ask();
    await released;
    await route.continue();
  });
  return { release, asked: arrived(part, asked) };
}

// Parts that are often needed are loaded before. What is typed while one still loads is meant for it: neither for the
// message field, nor a shortcut.
test("Keys wait for the part for which they are meant", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Meanwhile", memberIds: ["bob"] });
  await post("messages", "bob", { conversationId: id, content: "A root" });
  const page = await visit();
  const switcher = await heldBack(page, /\/page\/dialogs-.*js/);
  const thread = await heldBack(page, /\/page\/panels-.*js/);
  await enterAs(page, "alice");
  await open(page, "Meanwhile");
  await message(page, "A root").waitFor();
  await Promise.all([switcher.asked, thread.asked]);
  await composer(page).fill("kept");
  await press(page, "Control+k");
  await page.keyboard.type("genx");
  await press(page, "Backspace", "Enter");
  equal(await composer(page).inputValue(), "kept");
  switcher.release();
  const search = page.getByRole("combobox");
  await search.waitFor();
  await becomes(() => search.inputValue(), "gen");
  await press(page, "Escape");
  await search.waitFor({ state: "detached" });
  await becomes(() => focused(page), "Message");

  await page.getByRole("log").first().focus();
  await press(page, "ArrowUp");
  await focusedMessage(page).waitFor();
  await press(page, "t");
  await page.keyboard.type("res");
  await press(page, "Enter");
  // The reader may give it up.
  await press(page, "Escape");
  await page.waitForFunction(() => document.querySelector("article:focus") !== null);
  await press(page, "t");
  await page.keyboard.type("res");
  thread.release();
  const inThread = page.locator(".panel textarea");
  await inThread.waitFor();
  await becomes(() => inThread.inputValue(), "res");
  deepEqual(await page.locator(".message .text").allTextContents(), ["A root", "A root"]);
  equal(await page.locator(".composing").count(), 0);
  equal(await composer(page).first().inputValue(), "kept");
});

// The last entry of Ctrl+K searches messages: beside the open conversation, also where it is searched already, and
// otherwise in the list.
test("The switcher searches messages too", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Searched", memberIds: ["bob"] });
  await post("messages", "bob", { conversationId: id, content: "The xylophone is here" });
  await until(async () => (await call("GET", "search?q=xylophone", "alice")).items.length, (count) => count > 0);
  const page = await visitAs("alice");
  const options = page.locator(".switcher [role=option]");
  const search = async (words, ...keys) => {
    await press(page, "Control+k");
    await page.getByRole("combobox").fill(words);
    await options.last().filter({ hasText: `Search messages for “${words}”` }).waitFor();
    await press(page, ...keys);
    await options.last().and(page.locator("[aria-selected=true]")).waitFor();
    await press(page, "Enter");
    await page.locator(".switcher").waitFor({ state: "detached" });
  };
  const find = (place) => page.locator(`${place} .find`).filter({ hasText: "The xylophone" });
  await search("xylophone");
  await find("aside").waitFor();
  equal(await focused(page), "Search conversations, people, messages");
  await page.getByRole("searchbox").fill("");
  await open(page, "general");
  const field = page.locator(".panel [type=search]:focus");
  // From the message field, and with the panel open at other words.
  for (const words of ["general", "xylophone"]) {
    await search(words, ...(words === "general" ? ["ArrowUp"] : []));
    await field.waitFor();
    await becomes(() => field.inputValue(), words);
  }
  await find(".panel").waitFor();
  equal(await page.getByRole("radio", { name: "Everywhere" }).isChecked(), true);
});
