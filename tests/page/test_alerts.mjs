// Notifications: what is heard and shown, by which of several tabs, and what was stored meanwhile.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  anotherTab,
  call,
  conversations,
  listed,
  message,
  open,
  opened,
  post,
  say,
  start,
  until,
  visitAs,
} from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

// Notes what is played and shown, and lets the page be looked away from: of several tabs of one browser that is driven,
// each takes itself for the one in front.
function observe() {
  window.played = [];
  window.shown = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    window.played.push(this.dataset.sound ?? "");
    return play.call(this);
  };
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, options) {
      Object.assign(this, { title, ...options, closed: false });
      window.shown.push(this);
    }
    close() {
      this.closed = true;
      this.onclose?.();
    }
  };
  // No push service can be reached, and the browser would complain about that.
  if (window.ServiceWorkerRegistration) delete ServiceWorkerRegistration.prototype.pushManager;
  let looksAway = sessionStorage.getItem("looks away") !== null;
  document.hasFocus = () => !looksAway;
  window.look = (away) => {
    looksAway = away;
    if (away) sessionStorage.setItem("looks away", "");
    else sessionStorage.removeItem("looks away");
    dispatchEvent(new Event(away ? "blur" : "focus"));
  };
}

const lookAway = (page, away = true) => page.evaluate((value) => window.look(value), away);

// Waits until the browser knows in how many tabs of a user somebody looks at the page.
const lookedAtIn = (page, count) =>
  page.waitForFunction(async (wanted) => {
    const { held } = await navigator.locks.query();
    return held.filter(({ name }) => name.startsWith("talkwire.seen.")).length === wanted;
  }, count);
const observed = (page) =>
  page.evaluate(() => ({
    played: window.played,
    shown: window.shown.map(({ title, body, closed }) => ({ title, body, closed })),
  }));
const bell = (page, unread) =>
  page.getByRole("button", { name: unread === 0 ? "Notifications" : `Notifications, ${unread} unread`, exact: true });

// How much of a conversation the list says is unread.
const waiting = (page, name, unread) => {
  const entry = listed(page, name);
  return unread === 0
    ? entry.filter({ hasNot: page.locator(".count") }).waitFor()
    : entry.locator(".count", { hasText: String(unread) }).waitFor();
};

test("Of several tabs, one plays and shows, and each thing once", [], async () => {
  const tabs = [await visitAs("alice", { init: observe })];
  tabs.push(await anotherTab(tabs[0], "alice"));
  const bob = await visitAs("bob");
  await start(bob, ["alice"]);
  await opened(bob, "alice");
  for (const tab of tabs) await lookAway(tab);
  await lookedAtIn(tabs[0], 0);
  await say(bob, "Are you there?");
  for (const tab of tabs) await waiting(tab, "bob", 1);
  await say(bob, "And a second one");
  for (const tab of tabs) await waiting(tab, "bob", 2);
  const all = async () => {
    const each = await Promise.all(tabs.map(observed));
    // Either tab may have been the one.
    const shown = each.flatMap((tab) => tab.shown).sort((one, other) => one.body.localeCompare(other.body));
    return { played: each.flatMap(({ played }) => played), shown };
  };
  const until = async (fulfilled) => {
    for (;;) {
      const now = await all();
      if (fulfilled(now)) return now;
      await tabs[0].evaluate(() => new Promise(requestAnimationFrame));
    }
  };
  deepEqual(await until(({ played, shown }) => played.length >= 2 && shown.length >= 2), {
    played: ["drop", "drop"],
    shown: [
      { title: "bob", body: "And a second one", closed: false },
      { title: "bob", body: "Are you there?", closed: false },
    ],
  });

  // Where one tab is looked at, it is the one that plays, and nothing is shown.
  const playedBefore = (await observed(tabs[1])).played.length;
  await lookAway(tabs[1], false);
  await lookedAtIn(tabs[0], 1);
  await say(bob, "Third");
  for (const tab of tabs) await waiting(tab, "bob", 3);
  const hasPlayed = (before) => window.played.length > before && window.played.at(-1) === "drop";
  await tabs[1].waitForFunction(hasPlayed, playedBefore);
  equal((await all()).played.length, 3);
  equal((await all()).shown.length, 2);

  // Reading it in one tab takes away what the other one has shown.
  await open(tabs[1], "bob");
  for (const tab of tabs) await waiting(tab, "bob", 0);
  const { shown } = await until((now) => now.shown.every(({ closed }) => closed));
  deepEqual(shown.map(({ closed }) => closed), [true, true]);

  // A click goes to the message.
  await lookAway(tabs[1]);
  await lookedAtIn(tabs[0], 0);
  await open(tabs[1], "general");
  await say(bob, "Click me");
  const clicked = async () => {
    for (const tab of tabs) {
      const found = await tab.evaluate(() => {
        const last = window.shown.at(-1);
        if (last?.body !== "Click me") return false;
        last.onclick();
        return true;
      });
      if (found) return tab;
    }
    return clicked();
  };
  const tab = await clicked();
  await opened(tab, "bob");
  await message(tab, "Click me").waitFor();

  // A reload says nothing again.
  await tabs[0].reload();
  await conversations(tabs[0]).first().waitFor();
  await say(bob, "After the reload");
  await tabs[0].getByText("After the reload").first().waitFor();
  const after = await until(({ shown }) => shown.some(({ body }) => body === "After the reload"));
  deepEqual(after.shown.map(({ body }) => body).filter((body) => body === "After the reload"), ["After the reload"]);
});

test("What is chosen for a conversation holds", [], async () => {
  const carol = await visitAs("carol", { init: observe });
  const bob = await visitAs("bob");
  await open(bob, "general");
  await open(carol, "general");
  await carol.getByRole("button", { name: "Details" }).click();
  const notify = carol.getByRole("combobox", { name: "Notify me about" });
  const saved = () =>
    carol.waitForResponse((answer) => answer.url().includes("preferences") && answer.request().method() === "PATCH");
  await Promise.all([saved(), notify.selectOption("All messages")]);
  await Promise.all([saved(), carol.getByRole("combobox", { name: "Sound", exact: true }).selectOption("Chime")]);
  await carol.waitForFunction(() => window.played.includes("chime"));
  await carol.evaluate(() => (window.played.length = 0));
  await lookAway(carol);
  await lookedAtIn(carol, 0);
  await say(bob, "To all");
  await carol.waitForFunction(() => window.played.length === 1 && window.shown.length === 1);
  deepEqual(await observed(carol), {
    played: ["chime"],
    shown: [{ title: "bob", body: "general: To all", closed: false }],
  });
  await lookAway(carol, false);
  await carol.getByRole("button", { name: "Mute", exact: true }).click();
  await Promise.all([saved(), carol.getByRole("menuitem", { name: "Until I turn it back on" }).click()]);
  await lookAway(carol);
  await lookedAtIn(carol, 0);
  await say(bob, "@carol to nobody");
  await carol.getByText("@carol to nobody").first().waitFor();
  // What is sent afterwards would have come after it.
  await start(bob, ["carol"]);
  await opened(bob, "carol");
  await say(bob, "Only you");
  await carol.waitForFunction(() => window.shown.length === 2 && window.played.length === 2);
  const { played, shown } = await observed(carol);
  deepEqual(shown.map(({ body }) => body), ["general: To all", "Only you"]);
  deepEqual(played, ["chime", "drop"]);
});

// The owner's default is offered to the members who have chosen nothing, and counts for them at once.
test("The default that the owner sets counts for members without a choice", [], async () => {
  const { id } = await post("conversations", "bob", { kind: "group", name: "Orders", memberIds: ["carol"] });
  const bob = await visitAs("bob");
  const carol = await visitAs("carol", { init: observe });
  for (const page of [bob, carol]) {
    await open(page, "Orders");
    await page.getByRole("button", { name: "Details" }).click();
  }
  const choice = carol.getByRole("combobox", { name: "Notify me about" });
  const chosen = () => choice.evaluate((element) => element.selectedOptions[0].textContent);
  equal(await chosen(), "Mentions and replies");
  await bob.getByRole("button", { name: "Edit", exact: true }).click();
  await bob.getByRole("combobox", { name: "Notify members about" }).selectOption("All messages");
  await bob.getByRole("button", { name: "Save", exact: true }).click();
  await choice.getByRole("option", { name: /^Default: / }).waitFor({ state: "attached" });
  equal(await chosen(), "Default: All messages");
  await lookAway(carol);
  await lookedAtIn(carol, 0);
  await say(bob, "Your order is on its way");
  await carol.waitForFunction(() => window.shown.length === 1);
  deepEqual((await observed(carol)).shown.map(({ body }) => body), ["Orders: Your order is on its way"]);
  await call("PATCH", `conversations/${id}`, "bob", { notify: null });
  await choice.getByRole("option", { name: "Mentions and replies" }).waitFor({ state: "attached" });
  equal(await chosen(), "Mentions and replies");
});

test("What was stored is listed and makes no sound", [], async () => {
  const { id } = await post("conversations", "bob", { kind: "group", name: "Away", memberIds: ["test"] });
  await call("POST", "notifications/read", "test", { all: true });
  await post("messages", "bob", { conversationId: id, content: "@test while you were away" });
  const page = await visitAs("test", { init: observe });
  await bell(page, 1).click();
  const list = page.getByRole("dialog", { name: "Notifications" });
  await list.getByText("This browser shows notifications when you're in another tab or app.").waitFor();
  deepEqual(await observed(page), { played: [], shown: [] });
  await list.getByRole("button", { name: /bob.*unread/ }).click();
  await page.getByText("while you were away").first().waitFor();
  await bell(page, 0).click();
  await list.getByRole("button", { name: /^bob mentioned/ }).waitFor();
  await list.locator(".new").first().waitFor({ state: "detached" });
  equal(await list.locator(".new").count(), 0);
});

// Direct messages are not listed: the list of conversations counts them. Of a deleted message, the row says that.
test("The bell leaves direct messages to the list, and names a deleted message", [], async () => {
  const { id } = await post("conversations", "bob", { kind: "direct", memberIds: ["123"] });
  for (const content of ["one", "two", "three"]) await post("messages", "bob", { conversationId: id, content });
  const group = await post("conversations", "bob", { kind: "group", name: "Rows", memberIds: ["123"] });
  const mention = await post("messages", "bob", { conversationId: group.id, content: "@123 look" });
  await until(() => call("GET", "notifications", "123"), ({ items }) => items.length === 5);
  await call("DELETE", `messages/${mention.id}`, "bob");
  const page = await visitAs("123", { init: observe });
  await bell(page, 2).click();
  const list = page.getByRole("dialog", { name: "Notifications" });
  await list.locator(".notification").first().waitFor();
  const rows = await list.locator(".notification").evaluateAll((all) =>
    all.map((it) => [".headline", ".excerpt"].map((part) => it.querySelector(part).firstChild.textContent)),
  );
  deepEqual(rows, [["bob mentioned you", "Rows: This message was deleted."], ["bob added you to a conversation", "Rows"]]);
  await page.keyboard.press("Escape");
  equal(await listed(page, "bob").locator(".count").textContent(), "3");
});

test("The bell says the same in every tab", [], async () => {
  await post("notifications/read", "alice", { all: true });
  const tabs = [await visitAs("alice", { init: observe })];
  tabs.push(await anotherTab(tabs[0], "alice"));
  const bob = await visitAs("bob");
  await open(bob, "general");
  await start(bob, ["alice", "carol"], "Plans");
  await opened(bob, "Plans");
  await say(bob, "@alice one");
  await say(bob, "@alice two");
  for (const tab of tabs) await bell(tab, 3).waitFor();
  const list = (tab) => tab.getByRole("dialog", { name: "Notifications" });
  await bell(tabs[0], 3).click();
  await list(tabs[0]).getByRole("button", { name: /added you.*unread/ }).click();
  await opened(tabs[0], "Plans");
  // Opening the conversation reads its messages, and so their notifications.
  for (const tab of tabs) await bell(tab, 0).waitFor();
  await open(tabs[0], "general");
  await open(tabs[1], "general");
  await say(bob, "@alice three");
  for (const tab of tabs) await bell(tab, 1).waitFor();
  await tabs[1].reload();
  await bell(tabs[1], 1).click();
  await list(tabs[1]).getByRole("button", { name: "Mark all as read" }).click();
  await bell(tabs[0], 0).waitFor();
  ok((await list(tabs[1]).locator(".notification").count()) >= 4);
});
