// What messages show of themselves: who reacted, when they were sent, who has read them, which side they begin on.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  act,
  anotherTab,
  call,
  composer,
  conversations,
  hover,
  message,
  open,
  opened,
  post,
  say,
  start,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const at = (page, content) => page.locator(".message").filter({ has: page.getByText(content, { exact: true }) });

// Who reacted stands at the reaction, and in a list for who has no pointer.
test("Who reacted is named", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Reactions" });
  const { id: messageId } = await post("messages", "bob", { conversationId: id, content: "Well?" });
  for (const user of ["alice", "bob", "carol"])
    await call("PUT", `messages/${messageId}/reactions/${encodeURIComponent("👍")}`, user);
  const alice = await visitAs("alice");
  await open(alice, "Reactions");
  const reaction = alice.getByRole("button", { name: "👍, 3" });
  // The names of members come after the messages.
  await reaction.and(alice.getByTitle(/carol/)).waitFor();
  equal(await reaction.getAttribute("title"), "You, bob and carol reacted with 👍");
  await act(alice, "Well?", "Reactions");
  await alice.getByRole("dialog", { name: "Reactions" }).locator("li").nth(2).waitFor();
  deepEqual(
    await alice.getByRole("dialog", { name: "Reactions" }).locator("li .receipt-name").allTextContents(),
    ["You", "bob", "carol"],
  );
});

// The button of a block of one line, pressed in three ways: whether it is within the block, at its corner and beside
// the text, and what it copies and says.
test("Code is copied by the button in its corner", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Code" });
  for (const how of ["pointer", "keyboard", "touch"])
    await post("messages", "alice", { conversationId: id, content: `\`\`\`\nby ${how}\n\`\`\`` });
  const permissions = ["clipboard-read", "clipboard-write"];
  const bob = await visitAs("bob", { permissions });
  const phone = await visitAs("bob", { permissions, hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
  for (const [how, page] of [["pointer", bob], ["keyboard", bob], ["touch", phone]]) {
    if (how !== "keyboard") await open(page, "Code");
    const block = page.locator(".code-block").filter({ hasText: `by ${how}` });
    const button = block.getByRole("button", { name: "Copy the code" });
    if (how === "pointer") await button.click();
    if (how === "touch") await button.tap();
    if (how === "keyboard") {
      await block.locator("pre").focus();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
    }
    await page.locator(".toast:popover-open").getByText("Copied.").waitFor();
    const [around, at, code] = await block.evaluate((it) =>
      [it, it.querySelector("button"), it.querySelector("pre")].map((each) => each.getBoundingClientRect().toJSON()),
    );
    ok(code.right <= at.left);
    const distances = [at.top - around.top, around.right - at.right, around.bottom - at.bottom];
    ok(distances.every((distance) => distance >= 0 && distance <= 8));
    equal(await page.locator(".toast p").textContent(), "Copied.");
    equal((await page.evaluate(() => navigator.clipboard.readText())).trim(), `by ${how}`);
    await page.locator(".toast:popover-open").waitFor({ state: "detached" });
  }
});

// What is written from right to left is read so, whatever stands around it.
test("Each paragraph is read from its own side", [], async () => {
  const alice = await visitAs("alice");
  await open(alice, "conv-456");
  await composer(alice).fill("שלום world.");
  equal(await composer(alice).evaluate((it) => getComputedStyle(it).direction), "rtl");
  await alice.keyboard.press("Enter");
  await message(alice, "שלום world.").waitFor();
  await say(alice, "مرحبا\n\nand in English");
  await alice.locator(".message:not(.letter) .text").filter({ hasText: "and in English" }).waitFor();
  const text = (content) => message(alice, content).locator("xpath=ancestor-or-self::*[@dir][1]");
  const leftOf = (content) =>
    alice.locator(".message:not(.letter) .text").filter({ hasText: content }).evaluate((it, words) => {
      const texts = document.createTreeWalker(it, NodeFilter.SHOW_TEXT);
      while (!texts.nextNode().data.includes(words));
      const range = document.createRange();
      const at = texts.currentNode.data.indexOf(words);
      range.setStart(texts.currentNode, at);
      range.setEnd(texts.currentNode, at + words.length);
      return range.getBoundingClientRect().left - it.getBoundingClientRect().left < 10;
    }, content);
  equal(await text("שלום world.").evaluate((it) => getComputedStyle(it).direction), "rtl");
  deepEqual(
    [await leftOf("שלום world."), await leftOf("مرحبا"), await leftOf("and in English")],
    [false, false, true],
    "from the left",
  );
});

// Each message says when it was sent, also one that goes on from another.
test("A continued message shows its time at the pointer and after a tap", [], async () => {
  const alice = await visitAs("alice");
  await open(alice, "1");
  await say(alice, "Number one");
  await say(alice, "Number two");
  await message(alice, "Number two").waitFor();
  const when = at(alice, "Number two").locator("time.when");
  const opacityOf = (time) => time.evaluate((it) => getComputedStyle(it).opacity);
  equal(await opacityOf(when), "0");
  await hover(at(alice, "Number two"));
  await becomes(() => opacityOf(when), "1");
  const phone = await visitAs("alice", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await open(phone, "1");
  await message(phone, "Number two").waitFor();
  const touched = at(phone, "Number two");
  equal(await opacityOf(touched.locator("time.when")), "0");
  await touched.tap();
  await becomes(() => opacityOf(touched.locator("time.when")), "1");
  ok(/^\d?\d[:.]\d\d\s[AP]M$/.test(await when.textContent()));
});

// Anyone who was added later has read what was said before at no time that anybody knows.
test("A newcomer has read nothing before joining", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Seen" });
  await post("messages", "alice", { conversationId: id, content: "Early" });
  await post(`conversations/${id}/members`, "alice", { userIds: ["carol"] });
  await post(`conversations/${id}/read`, "carol", {});
  const alice = await visitAs("alice");
  await open(alice, "Seen");
  await act(alice, "Early", "Seen by");
  const dialog = alice.getByRole("dialog", { name: "Seen by" });
  await dialog.getByText("bob").waitFor();
  const text = await dialog.textContent();
  equal(/19(69|70)/.test(text), false);
  equal(text.includes("carol"), false);
});

// Anyone who sees only what comes after them has read nothing before it, whatever they read.
test("A newcomer reads nothing that is hidden from them", [], async () => {
  const place = { kind: "group", memberIds: [], name: "From now on", history: "from-join" };
  const { id } = await post("conversations", "alice", place);
  await post("messages", "alice", { conversationId: id, content: "To nobody" });
  await post(`conversations/${id}/members`, "alice", { userIds: ["carol"] });
  await post("messages", "alice", { conversationId: id, content: "To carol" });
  const alice = await visitAs("alice");
  await open(alice, "From now on");
  await message(alice, "To carol").waitFor();
  await post(`conversations/${id}/read`, "carol", {});
  const ticks = alice.locator(".message .tick");
  await alice.locator(".message .tick.read").last().waitFor();
  deepEqual(await ticks.evaluateAll((all) => all.map((it) => it.title)), ["Sent", "Read"]);
  await act(alice, "To nobody", "Seen by");
  const dialog = alice.getByRole("dialog", { name: "Seen by" });
  await dialog.getByText("Nobody has seen this yet.").waitFor();
  equal(await dialog.getByRole("listitem").count(), 0);
});

// What is marked as unread stays so while one is there, in other tabs too.
test("What is marked as unread stays so while one is there", ["crowded_server"], async () => {
  const alice = await visitAs("alice");
  const tab = await anotherTab(alice, "alice");
  const bob = await visitAs("bob");
  await start(bob, ["alice", "carol"], "Unread again");
  await opened(bob, "Unread again");
  for (const content of ["one", "two", "three"]) await say(bob, content);
  await message(bob, "three").waitFor();
  await open(alice, "Unread again");
  await message(alice, "three").waitFor();
  const entry = (page) => conversations(page).filter({ has: page.getByText("Unread again", { exact: true }) });
  const count = (page, unread) => entry(page).locator(".count", { hasText: String(unread) });
  const read = (page) => entry(page).filter({ hasNot: page.locator(".count") }).waitFor();
  for (const page of [alice, tab]) await read(page);
  await act(alice, "two", "Mark as unread");
  for (const page of [alice, tab]) await count(page, 2).waitFor();
  // What comes now is unread as well.
  await say(bob, "four");
  for (const page of [alice, tab]) await count(page, 3).waitFor();
  const marked = alice.locator(".row", { has: alice.locator(".unread-from") }).locator(".text").first();
  // Until the server has answered, the line stands where the conversation was opened.
  await becomes(() => marked.textContent(), "two");
  await alice.keyboard.press("Escape");
  for (const page of [alice, tab]) await read(page);
  // That can be taken back.
  await alice.locator(".toast").getByRole("button", { name: "Undo" }).click();
  for (const page of [alice, tab]) await count(page, 3).waitFor();
  await alice.keyboard.press("Escape");
  for (const page of [alice, tab]) await read(page);
  await open(alice, "general");
  await entry(alice).hover();
  await entry(alice).click({ button: "right" });
  await alice.getByRole("menuitem", { name: "Mark as unread", exact: true }).click();
  for (const page of [alice, tab]) await count(page, 1).waitFor();
  await open(alice, "Unread again");
  for (const page of [alice, tab]) await read(page);
});

// One's own messages are never unread: only with others' after them can they be marked so.
test("One's own newest message cannot be marked as unread", [], async () => {
  const alice = await visitAs("alice");
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Mine" });
  await open(alice, "Mine");
  await say(alice, "Is anybody there?");
  const offered = async () => {
    const text = message(alice, "Is anybody there?");
    await text.click({ button: "right" });
    await alice.getByRole("menuitem", { name: "Copy link" }).waitFor();
    const count = await alice.getByRole("menuitem", { name: "Mark as unread" }).count();
    await alice.keyboard.press("Escape");
    await alice.getByRole("menuitem", { name: "Copy link" }).waitFor({ state: "detached" });
    return count;
  };
  equal(await offered(), 0);
  await post("messages", "bob", { conversationId: id, content: "Yes" });
  await message(alice, "Yes").waitFor();
  equal(await offered(), 1);
});

// On a busy machine: the page learns late how large its parts are.
function measureLate() {
  window.ResizeObserver = class extends ResizeObserver {
    constructor(callback) {
      super((...measured) => setTimeout(() => callback(...measured), 1_000));
    }
  };
}

// All of a short conversation is on the screen, and nobody can scroll there.
test("A short conversation is read however late the page has measured it", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Short" });
  for (const content of ["one", "two"]) await post("messages", "bob", { conversationId: id, content });
  const alice = await visitAs("alice", { init: measureLate });
  await conversations(alice).getByTitle("2 unread").waitFor();
  await open(alice, "Short");
  await conversations(alice).getByTitle("2 unread").waitFor({ state: "detached" });
  // The page shows that it is read before the server knows.
  while ((await call("GET", `conversations/${id}`, "alice")).unreadCount > 0) await alice.waitForTimeout(20);
});
