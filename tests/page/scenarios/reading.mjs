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
  report,
  say,
  start,
  until,
  visitAs,
} from "../browser.mjs";

const at = (page, content) => page.locator(".message").filter({ has: page.getByText(content, { exact: true }) });

// Who reacted stands at the reaction, and in a list for who has no pointer.
export async function reactions() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Reactions" });
  const { id: messageId } = await post("messages", "bob", { conversationId: id, content: "Well?" });
  for (const user of ["alice", "bob", "carol"])
    await call("PUT", `messages/${messageId}/reactions/${encodeURIComponent("👍")}`, user);
  const alice = await visitAs("alice");
  await open(alice, "Reactions");
  const reaction = alice.getByRole("button", { name: "👍, 3" });
  // The names of members come after the messages.
  await reaction.and(alice.getByTitle(/carol/)).waitFor();
  const title = await reaction.getAttribute("title");
  await act(alice, "Well?", "Reactions");
  await alice.getByRole("dialog", { name: "Reactions" }).locator("li").nth(2).waitFor();
  const listed = await alice.getByRole("dialog", { name: "Reactions" }).locator("li .receipt-name").allTextContents();
  report("reacted", { title, listed });
}

// The button of a block of one line, pressed in three ways: whether it is within the block, at its corner and beside
// the text, and what it copies and says.
export async function code() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Code" });
  for (const how of ["pointer", "keyboard", "touch"])
    await post("messages", "alice", { conversationId: id, content: `\`\`\`\nby ${how}\n\`\`\`` });
  const permissions = ["clipboard-read", "clipboard-write"];
  const bob = await visitAs("bob", { permissions });
  const phone = await visitAs("bob", { permissions, hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
  const copied = {};
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
    copied[how] = {
      ...(await block.evaluate((it) => {
        const parts = [it, it.querySelector("button"), it.querySelector("pre")];
        const [around, at, code] = parts.map((each) => each.getBoundingClientRect());
        const distances = [at.top - around.top, around.right - at.right, around.bottom - at.bottom];
        return {
          isInCorner: distances.every((distance) => distance >= 0 && distance <= 8),
          isBeside: code.right <= at.left,
        };
      })),
      says: await page.locator(".toast p").textContent(),
      text: (await page.evaluate(() => navigator.clipboard.readText())).trim(),
    };
    await page.locator(".toast:popover-open").waitFor({ state: "detached" });
  }
  report("copied", copied);
}

// What is written from right to left is read so, whatever stands around it.
export async function directions() {
  const alice = await visitAs("alice");
  await open(alice, "conv-456");
  await composer(alice).fill("שלום world.");
  const field = await composer(alice).evaluate((it) => getComputedStyle(it).direction);
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
  report("directed", {
    field,
    hebrew: await text("שלום world.").evaluate((it) => getComputedStyle(it).direction),
    sides: [await leftOf("שלום world."), await leftOf("مرحبا"), await leftOf("and in English")],
    preview: await conversations(alice).filter({ hasText: "conv-456" }).locator(".last bdi").last().textContent(),
  });
}

// Each message says when it was sent, also one that goes on from another.
export async function times() {
  const alice = await visitAs("alice");
  await open(alice, "1");
  await say(alice, "Number one");
  await say(alice, "Number two");
  await message(alice, "Number two").waitFor();
  const when = at(alice, "Number two").locator("time.when");
  const opacityOf = (time) => time.evaluate((it) => getComputedStyle(it).opacity);
  const before = await opacityOf(when);
  await hover(at(alice, "Number two"));
  const after = await until(() => opacityOf(when), (value) => value === "1");
  const phone = await visitAs("alice", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await open(phone, "1");
  await message(phone, "Number two").waitFor();
  const touched = at(phone, "Number two");
  const untouched = await opacityOf(touched.locator("time.when"));
  await touched.tap();
  const tapped = await until(() => opacityOf(touched.locator("time.when")), (value) => value === "1");
  report("timed", { before, after, untouched, tapped, says: /^\d?\d[:.]\d\d\s[AP]M$/.test(await when.textContent()) });
}

// Anyone who was added later has read what was said before at no time that anybody knows.
export async function seen_by_newcomers() {
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
  report("seen", { old: /19(69|70)/.test(text), carol: text.includes("carol") });
}

// Anyone who sees only what comes after them has read nothing before it, whatever they read.
export async function hidden_from_newcomers() {
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
  const states = await ticks.evaluateAll((all) => all.map((it) => it.title));
  await act(alice, "To nobody", "Seen by");
  const dialog = alice.getByRole("dialog", { name: "Seen by" });
  await dialog.getByText("Nobody has seen this yet.").waitFor();
  report("hidden", { states, listed: await dialog.getByRole("listitem").count() });
}

// What is marked as unread stays so while one is there, in other tabs too.
export async function marked_as_unread() {
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
  const line = await until(() => marked.textContent(), (text) => text === "two");
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
  report("marked", { line });
}

// One's own messages are never unread: only with others' after them can they be marked so.
export async function ownUnread() {
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
  const alone = await offered();
  await post("messages", "bob", { conversationId: id, content: "Yes" });
  await message(alice, "Yes").waitFor();
  report("offered", { alone, answered: await offered() });
}

// On a busy machine: the page learns late how large its parts are.
function measureLate() {
  window.ResizeObserver = class extends ResizeObserver {
    constructor(callback) {
      super((...measured) => setTimeout(() => callback(...measured), 1_000));
    }
  };
}

// All of a short conversation is on the screen, and nobody can scroll there.
export async function short() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Short" });
  for (const content of ["one", "two"]) await post("messages", "bob", { conversationId: id, content });
  const alice = await visitAs("alice", { init: measureLate });
  await conversations(alice).getByTitle("2 unread").waitFor();
  await open(alice, "Short");
  await conversations(alice).getByTitle("2 unread").waitFor({ state: "detached" });
  // The page shows that it is read before the server knows.
  while ((await call("GET", `conversations/${id}`, "alice")).unreadCount > 0) await alice.waitForTimeout(20);
  report("read");
}
