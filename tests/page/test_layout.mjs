// The page on small screens and without a mouse.
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import {
  LOST,
  call,
  composer,
  conversations,
  drawn,
  field,
  listed,
  messages,
  open,
  post,
  say,
  until,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

test("The page fits a narrow screen and works by keyboard", [], async () => {
  const bob = await visit({ viewport: { width: 320, height: 560 }, path: "/#/" });
  const fits = () => bob.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  await bob.getByRole("button", { name: "Maya Lindgren" }).waitFor();
  await field(bob, "E-mail").waitFor();
  equal(await fits(), true, "entrance");
  await bob.getByLabel("Another user ID").fill("bob");
  await bob.keyboard.press("Enter");
  await conversations(bob).first().waitFor();
  equal(await fits(), true, "list");
  await conversations(bob).filter({ hasText: "test-conv" }).press("Enter");
  await composer(bob).and(bob.locator(":focus")).waitFor();
  await bob.keyboard.type("x".repeat(500));
  await bob.keyboard.press("Enter");
  await messages(bob).first().waitFor();
  equal(await fits(), true, "conversation");
  await bob.getByRole("button", { name: "Back to conversations" }).press("Enter");
  await bob.getByRole("button", { name: "New conversation" }).press("Enter");
  await field(bob, "Find people by name or handle").waitFor();
  equal(await fits(), true, "dialog");
});

// Text of twice the size, as a reader can choose it in the browser: nothing overlaps or leaves the screen.
test("Text of twice the size overlaps nothing and stays on the screen", [], async () => {
  const page = await visitAs("maya", { viewport: { width: 390, height: 844 }, path: "/#/" });
  await conversations(page).nth(3).waitFor();
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  const boxes = (selector) =>
    page.locator(selector).evaluateAll((all) =>
      all.map((it) => it.getBoundingClientRect()).map(({ top, bottom, left, right }) => ({ top, bottom, left, right })),
    );
  const inside = (all) => all.every(({ left, right, bottom }) => left >= 0 && right <= 390 && bottom <= 844);
  // Each row is as high as its two lines.
  const areApart = (all) => all.length > 3 && all.every(({ top }, index) => index === 0 || top >= all[index - 1].bottom - 1);
  const lines = await until(() => boxes(".conversations .item:nth-child(-n+4) :is(.who, .newest)"), areApart);
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.locator(".new-place").first().waitFor();
  equal(inside(await boxes(".new-place")), true);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Maya Lindgren" }).click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  // Once its form is in sight, what saves it is too.
  await page.getByLabel("About you").fill("Away");
  equal(inside(await boxes(".save-bar")), true);
  equal(areApart(lines), true);
});

// With letters of twice the size beside a panel, the header has the name, and its menu what has no room.
test("The header beside a panel has room for the name in letters of twice the size", [], async () => {
  const page = await visitAs("maya", { viewport: { width: 1440, height: 900 }, path: "/#/conversation/heron-launch" });
  await open(page, "Heron launch");
  await page.getByRole("button", { name: "Details" }).click();
  await page.locator(".panel .member").first().waitFor();
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  const header = page.locator(".conversation > header");
  const boxes = (selector) => header.locator(selector).evaluateAll((all) => all.filter((it) => it.checkVisibility()).map((it) => it.getBoundingClientRect().toJSON()));
  const look = async () => {
    const [{ left, right }] = await boxes("xpath=.");
    const parts = await boxes(".title, .icon-button");
    const order = parts.toSorted((one, other) => one.left - other.left);
    return {
      name: (await boxes("h1"))[0].width > 60,
      apart: order.every((part, at) => part.left >= (order[at - 1]?.right ?? left) - 1),
      inside: parts.every((part) => part.right <= right),
    };
  };
  for (const [width, height] of [[1440, 900], [1024, 768]]) {
    await page.setViewportSize({ width, height });
    await becomes(look, { name: true, apart: true, inside: true });
  }
  await header.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem").first().waitFor();
  deepEqual(await page.getByRole("menuitem").allTextContents(), ["Offers", "Files", "Search"]);
});

// The line of a day that is above the screen is shown at its top; the line itself is enough where it is in sight.
test("The day of what is in sight is in sight", [], async () => {
  const page = await visitAs("maya", { viewport: { width: 1100, height: 500 }, path: "/#/conversation/heron-launch" });
  const shown = page.locator(".day-in-sight");
  // A row that was just measured moves the list, and the list may return to its end.
  const scrolled = (top) =>
    page.locator(".scroller").evaluate((it, top) => {
      it.scrollTop = top;
      const [line] = it.querySelectorAll(".day");
      return { day: line?.textContent, below: line && line.getBoundingClientRect().top - it.getBoundingClientRect().top };
    }, top);
  await shown.waitFor();
  const { day, below } = await until(() => scrolled(0), ({ below }) => below > 0 && below < 500);
  await shown.waitFor({ state: "detached" });
  await until(() => scrolled(below + 100), ({ below }) => below < 0 && below > -120);
  await shown.getByText(day, { exact: true }).waitFor();
  // Nothing is covered for those who read.
  await shown.waitFor({ state: "hidden" });
  // On a phone, it covers no name or time in part.
  await page.setViewportSize({ width: 390, height: 500 });
  const half = [];
  for (let top = 40; top < 160; top += 12) {
    await scrolled(below + top);
    if (!(await shown.isVisible())) continue;
    half.push(...(await page.evaluate(coveredInPart)));
  }
  deepEqual(half, []);
});

// Runs in the page. The names and times that the day in sight covers, unless it is the upper edge of the list.
function coveredInPart() {
  const day = document.querySelector(".day-in-sight").getBoundingClientRect();
  const list = document.querySelector(".scroller").getBoundingClientRect();
  if (day.top <= list.top && day.left <= list.left && day.right >= list.right) return [];
  const texts = [...document.querySelectorAll(".message header :is(.name bdi, time)")];
  return texts
    .filter((text) => {
      const { left, right, top, bottom } = text.getBoundingClientRect();
      return left < day.right && right > day.left && top < day.bottom && bottom > day.top;
    })
    .map((text) => text.textContent);
}

// What makes messages easy to read: lines that are not too long, code in colours, and emoji alone that are large.
test("Messages are readable", [], async () => {
  const page = await visitAs("alice", { viewport: { width: 2560, height: 900 }, permissions: ["clipboard-read", "clipboard-write"] });
  await open(page, "general");
  await say(page, "word ".repeat(200));
  await post("messages", "alice", { conversationId: "general", content: "```python\nfor each in everything:\n    pass\n```" });
  await say(page, "🎉");
  const code = page.locator(".code-block").last();
  await code.locator(".hljs-keyword").first().waitFor();
  await code.hover();
  await code.getByRole("button", { name: "Copy the code" }).click();
  await page.getByRole("status").getByText("Copied.").or(page.getByText("Copied.")).first().waitFor();
  const sizeOf = (locator) => locator.evaluate((it) => Number.parseFloat(getComputedStyle(it).fontSize));
  const widthOf = (locator) => locator.evaluate((it) => it.getBoundingClientRect().width);
  equal(await page.evaluate(() => navigator.clipboard.readText()), "for each in everything:\n    pass");
  deepEqual(await code.locator(".hljs-keyword").allTextContents(), ["for", "in", "pass"]);
  const width = await widthOf(messages(page).filter({ hasText: "word word" }).last());
  ok(width > 600 && width <= 46 * 16);
  ok((await widthOf(composer(page).locator("xpath=ancestor::*[contains(@class, 'box')]").first())) > 2_000);
  ok(
    (await sizeOf(page.locator(".only-emoji").last())) > (await sizeOf(page.locator(".text:not(.only-emoji)").last())),
  );
});

// Who writes more than a line has the whole width for it, and in a thread always. One blank line beside a list gives way.
test("Texts have the room they need", [], async () => {
  const page = await visitAs("alice");
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Roomy" });
  const heights = [];
  for (const content of ["Before:\n- one\n- two\nAfter", "Before:\n\n- one\n- two\n\nAfter", "Before:\n\n\n- one\n- two\nAfter"]) {
    await post("messages", "bob", { conversationId: id, content });
  }
  await open(page, "Roomy");
  const all = page.locator(".message .text");
  await all.nth(2).waitFor();
  for (let index = 0; index < 3; index++) heights.push((await all.nth(index).boundingBox()).height);
  const share = (within) =>
    within.locator(".composer .box").evaluate((box) => box.querySelector("textarea").clientWidth / box.clientWidth > 0.95);
  const main = page.locator(".conversation");
  const field = main.getByRole("textbox", { name: "Message", exact: true });
  equal(await share(main), true);
  // On a phone, the buttons are beside a line, and below two.
  await page.setViewportSize({ width: 390, height: 844 });
  for (const [text, isWide] of [["One line", false], ["Two\nlines", true], ["One", true], ["", false]]) {
    await field.fill(text);
    equal(await share(main), isWide);
  }
  await page.setViewportSize({ width: 1100, height: 700 });
  await page.locator(".message").first().hover();
  await page.locator(".message").first().getByRole("button", { name: "Reply in thread" }).click();
  const thread = page.locator(".panel");
  await thread.locator(".composer textarea:focus").waitFor();
  equal(await share(thread), true);
  equal(heights[0], heights[1]);
  ok(heights[2] > heights[1]);
});

test("A panel in the conversation's place has the focus and gives it back", [], async () => {
  const bob = await visitAs("bob", { viewport: { width: 390, height: 700 } });
  await open(bob, "general");
  await say(bob, "something");
  await messages(bob).first().waitFor();
  const details = bob.getByRole("button", { name: "Details" });
  await details.press("Enter");
  await bob.getByRole("main", { name: "Details" }).and(bob.locator(":focus")).waitFor();
  await bob.getByRole("main", { name: "Details" }).getByRole("button", { name: "Close" }).press("Enter");
  await details.and(bob.locator(":focus")).waitFor();
  await bob.getByRole("button", { name: "More", exact: true }).press("Enter");
  await bob.getByRole("menuitem", { name: "Search" }).click();
  await bob.getByRole("searchbox", { name: "Search messages" }).and(bob.locator(":focus")).waitFor();
  await bob.keyboard.press("Escape");
  const log = bob.getByRole("log").and(bob.locator(":focus"));
  await log.waitFor();
  equal(await log.getAttribute("aria-label"), "Messages");
});

// A phone: nobody wants its keyboard before they write, it does not zoom into fields, and
// its service worker shows notifications.
test("A phone is no desktop", ["whole_browser"], async () => {
  const page = await visitAs("alice", {
    installs: true,
    viewport: { width: 390, height: 760 },
    isMobile: true,
    hasTouch: true,
    userAgent: "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
  });
  await open(page, "general");
  notEqual(await page.evaluate(() => document.activeElement.tagName), "TEXTAREA");
  const sizes = await page.locator("input:visible, textarea:visible").evaluateAll((all) =>
    all.map((it) => Number.parseFloat(getComputedStyle(it).fontSize)),
  );
  ok(Math.min(...sizes) >= 16);
  await page.locator(".back").tap();
  await page.getByRole("button", { name: /^Your account/ }).tap();
  await page.getByRole("menuitem", { name: "Settings" }).tap();
  await page.getByRole("tab", { name: "Notifications" }).tap();
  equal(
    await page.locator(".permission span").textContent(),
    "Get notified of new messages when you're in another tab or app.",
  );
});

// Where the buttons of the message below the pointer lie over a text of any message.
for (const width of [1100, 1700])
  test(`The buttons of a message cover no text at ${width} pixels`, [], () => coversNoText(width));

async function coversNoText(width) {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: `Covered ${width}` });
  const send = (user, content) => post("messages", user, { conversationId: id, content });
  const long = "word ".repeat(150);
  await send("bob", `With a header, ${long}`);
  await send("alice", `Of one line after ${long}`);
  await send("alice", "One line");
  await send("alice", "Another line");
  await send("alice", `A paragraph ${long}`);
  await send("alice", "```js\nconst answer = 42; // " + "and so on ".repeat(30) + "\n```");
  await send("bob", "The last one, with a header");
  const page = await visitAs("alice", { viewport: { width, height: 1600 } });
  await open(page, `Covered ${width}`);
  const all = page.locator(".message");
  await messages(page).getByText("The last one").waitFor();
  await page.locator(".code-block .hljs-keyword").waitFor();
  const covered = [];
  let shown = 0;
  for (let index = 0; index < (await all.count()); index++) {
    await all.nth(index).hover({ position: { x: 300, y: 8 } });
    await page.waitForFunction((at) => document.querySelectorAll(".message")[at].matches(":hover"), index);
    await all.nth(index).locator(".actions button:visible").nth(1).waitFor();
    const found = await page.evaluate(textsBelow, index);
    shown += found.isShown;
    covered.push(...found.texts);
  }
  equal(shown, 7);
  deepEqual(covered, []);
  const room = await page.evaluate(() => {
    const end = (element) => element.getBoundingClientRect().right;
    const list = document.querySelector(".scroller");
    return end(list) - end(document.querySelector(".message .text"));
  });
  ok(room < 40 || width > 1400);
  // Where the lines of a message without a name end, below the first one.
  const roomOfLines = await messages(page).getByText("A paragraph word").evaluate((it) => {
    const range = document.createRange();
    range.selectNodeContents(it);
    const [, ...others] = [...range.getClientRects()].map(({ right }) => right);
    return document.querySelector(".scroller").getBoundingClientRect().right - Math.max(...others);
  });
  // Its last word may have had no room.
  ok(roomOfLines < 80 || width > 1400);
  // A message without a name has fewer buttons where there is less room, and then more in its menu.
  const line = all.filter({ hasText: "Another line" });
  await line.hover();
  equal(await line.locator(".actions button:visible").count(), width < 1400 ? 3 : 4);
  await line.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Copy text" }).waitFor();
  equal(await page.getByRole("menuitem", { name: "Reply in thread" }).count(), width < 1400 ? 1 : 0);
}

// The list of a phone that lies on its side.
test("A phone on its side has room for conversations", [], async () => {
  const page = await visitAs("alice", { viewport: { width: 844, height: 390 }, isMobile: true, hasTouch: true, path: "/#/" });
  const list = page.locator(".conversations");
  await conversations(page).first().waitFor();
  ok((await heightOf(list)) > 200);
});

// Runs in the page. The texts that the buttons of a message lie over.
function textsBelow(index) {
  const bar = document.querySelectorAll(".message")[index].querySelector(".actions");
  const box = bar.getBoundingClientRect();
  const texts = [];
  for (const message of document.querySelectorAll(".message")) {
    const walker = document.createTreeWalker(message, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.parentElement.closest(".actions") !== null || node.textContent.trim() === "") continue;
      // What a block of code has beyond its edge is not in sight.
      const clip = node.parentElement.closest("pre")?.getBoundingClientRect();
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const { left, right, top, bottom } of range.getClientRects()) {
        const end = Math.min(right, clip?.right ?? right);
        if (left < box.right && end > box.left && top < box.bottom && bottom > box.top) {
          texts.push(`${node.textContent.slice(0, 30)} below the buttons of message ${index}`);
          break;
        }
      }
    }
  }
  return { isShown: getComputedStyle(bar).opacity === "1" ? 1 : 0, texts };
}

const heightOf = (locator) => locator.evaluate((it) => it.getBoundingClientRect().height);

// The heights of bars and rows, and what stands out in a row.
test("Bars and rows have the sizes of their screen", [], async () => {
  const direct = await post("conversations", "bob", { kind: "direct", memberIds: ["alice"] });
  const group = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Usual" });
  for (const width of [1440, 390, 320]) {
    for (const { id } of [direct, group]) await post("messages", "bob", { conversationId: id, content: "Hello" });
    const isPhone = width < 700;
    const touch = { isMobile: true, hasTouch: true };
    const page = await visitAs("alice", { viewport: { width, height: 844 }, path: "/#/", ...(isPhone && touch) });
    const row = listed(page, "Usual");
    const style = (locator, property) => locator.evaluate((it, name) => getComputedStyle(it)[name], property);
    const ofBoth = (selector, property) =>
      Promise.all(["bob", "Usual"].map((name) => style(listed(page, name).locator(selector), property)));
    equal(await heightOf(page.locator(".sidebar-list > header")), 52);
    equal(await heightOf(page.getByRole("searchbox")), isPhone ? 44 : 36);
    equal(await heightOf(row), isPhone ? 70 : 56);
    equal(await heightOf(row.locator(".avatar")), isPhone ? 48 : 36);
    equal(await style(row.locator(".name"), "fontSize"), isPhone ? "16px" : "15px");
    equal(new Set(await ofBoth(".count", "backgroundColor")).size, 2);
    deepEqual(await ofBoth(".avatar", "borderRadius"), ["50%", "28%"]);
    equal((await style(page.locator(".sidebar"), "backgroundColor")) === "rgb(255, 255, 255)", isPhone);
    await row.click({ trial: true });
    await page.goto(`${new URL(page.url()).origin}/#/conversation/${direct.id}`);
    await composer(page).waitFor();
    const send = page.locator(".composer").getByRole("button", { name: "Send", exact: true });
    const record = page.locator(".composer").getByRole("button", { name: "Record a voice message" });
    await record.waitFor();
    deepEqual([await record.isVisible(), await send.isVisible()], [true, !isPhone]);
    await composer(page).fill("Hello");
    deepEqual([await record.isVisible(), await send.isVisible()], [!isPhone, true]);
    equal(await heightOf(page.locator(".conversation > header")), 52);
    ok(await page.locator(".conversation > header .portrait").isVisible());
    // Otherwise it reads what comes.
    await page.close();
  }
});

const ARABIC = "سوق الدراجات المستعملة Market for bicycles that somebody has ridden, and for their parts";

// What a toast says and offers is on the screen and above the message field, with large letters and a long name too.
test("A long toast in large letters is on the screen", [], async () => {
  const name = "A name as long as it may be ".repeat(4).slice(0, 100).trim();
  const { id } = await post("conversations", "sam", { kind: "group", memberIds: ["bob"], name });
  const other = `${name.slice(0, -1)}.`;
  const left = await post("conversations", "bob", { kind: "group", memberIds: ["sam"], name: other });
  const page = await visitAs("sam", { viewport: { width: 844, height: 390 }, path: "/#/" });
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  const toast = page.locator(".toast:popover-open");
  const isWhole = (limit) =>
    toast.evaluate((it, end) => {
      const boxes = [it, ...it.querySelectorAll("button")].map((each) => each.getBoundingClientRect());
      return boxes.every(({ top, right, bottom }) => top >= 0 && bottom <= end && right <= innerWidth);
    }, limit);
  await listed(page, name).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Archive", exact: true }).click();
  await toast.getByText("was archived").waitFor();
  ok(await isWhole(390));
  await toast.getByRole("button", { name: "Undo" }).click();
  await page.setViewportSize({ width: 390, height: 844 });
  await listed(page, name).click();
  await composer(page).fill("Line\n".repeat(12));
  await call("DELETE", `conversations/${left.id}/members/sam`, "bob");
  await toast.getByText("no longer a member").waitFor();
  const { y } = await page.locator(".composer").boundingBox();
  ok(await isWhole(y));
  await composer(page).fill("");
  await call("DELETE", `conversations/${id}`, "sam");
});

// Texts that begin in Arabic and are cut at their end: those whose beginning is not in sight.
test("A text that is cut shows its beginning in whichever direction it runs", [], async () => {
  await call("PATCH", "users/me", "reem", { name: ARABIC });
  const { id } = await post("conversations", "reem", { kind: "group", memberIds: ["alice"], name: `${ARABIC} 1` });
  await call("PATCH", `conversations/${id}`, "reem", { topic: ARABIC });
  await post("messages", "reem", { conversationId: id, content: ARABIC });
  const page = await visitAs("alice");
  await listed(page, `${ARABIC} 1`).click();
  await page.locator(".conversation > header .topic").last().waitFor();
  await page.locator(".message").getByText(ARABIC).first().waitFor();
  const selectors = [".member .name", ".last > bdi:last-child", ".said-by", ".who .name", ".message .name", ".conversation h1"];
  const hidden = [];
  const look = async (all) => {
    for (const selector of all) {
      const found = page.locator(selector).filter({ hasText: "سوق" }).first();
      await found.waitFor();
      if (!(await found.evaluate(beginsInSight))) hidden.push(selector);
    }
  };
  // Beside a panel, the header has no room for it.
  await page.setViewportSize({ width: 900, height: 700 });
  await look([".conversation .subtitle"]);
  await page.setViewportSize({ width: 1001, height: 700 });
  await page.getByRole("button", { name: "Details" }).click();
  await page.locator(".panel .member").nth(1).waitFor();
  await look(selectors);
  await page.getByRole("button", { name: "People", exact: true }).click();
  await look([".directory-who"]);
  deepEqual(hidden, []);
});

// Runs in the page. Whether the first letter of an Arabic text is within what cuts it.
function beginsInSight(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (!walker.nextNode().data.includes("سوق"));
  const range = document.createRange();
  range.setStart(walker.currentNode, 0);
  range.setEnd(walker.currentNode, 1);
  const letter = range.getBoundingClientRect();
  for (let box = walker.currentNode.parentElement; box !== document.body; box = box.parentElement) {
    if (getComputedStyle(box).display === "inline") continue;
    const { left, right } = box.getBoundingClientRect();
    if (letter.left < left - 1 || letter.right > right + 1) return false;
  }
  return letter.width > 0;
}

const CODE = `\`\`\`go\nfunc f() {\n\treturn 1 // ${"and so on ".repeat(20)}\n}\n\`\`\``;
const BLOCKS = ["Before\n> quoted", CODE, "| a | b |\n|---|---|\n| 1 | 2 |", "> quoted\n\nafter", "Text", "1. one\n2. two", "- one", "🎉"];

// What is not text keeps its distance from what is around it, has the width of the texts, and no tick beside it.
test("What is not text keeps its distance in a message", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["maya"], name: "Rhythm" });
  const page = await visitAs("alice", { viewport: { width: 1440, height: 2400 }, path: `/#/conversation/${id}`, expected: LOST });
  const picture = async () => ({ id: (await drawn(page, "teal.png", 800, 600, "alice")).id });
  const card = () => ({ url: "https://example.com/plan.pdf", name: "plan.pdf" });
  const send = (content, ...attachments) => post("messages", "alice", { conversationId: id, content, attachments });
  await send("With a picture", await picture());
  await send("", await picture());
  await send("", card());
  await send("With a card", card());
  await send("", await picture(), await picture());
  for (const content of BLOCKS) await send(content);
  await page.locator(".only-emoji").waitFor();
  await page.context().setOffline(true);
  await page.locator(".composer input[type=file]").setInputFiles([{ name: "late.txt", mimeType: "text/plain", buffer: Buffer.from("late") }]);
  await page.locator(".composer .pending-file").waitFor();
  await say(page, "With a file that waits");
  await page.locator(".letter .pending-file").waitFor();
  deepEqual(await page.evaluate(rhythmOf), { tight: [], beside: [], indented: [], covered: [], widths: 1, tab: "4" });
  await page.setViewportSize({ width: 390, height: 2400 });
  const isNarrow = () => page.locator(".composer .unfold").isVisible();
  await until(isNarrow, Boolean);
  deepEqual(await page.evaluate(rhythmOf), { tight: [], beside: [], indented: [], covered: [], widths: 1, tab: "4" });
});

// Runs in the page.
function rhythmOf() {
  const BLOCK = ".pictures, .file-card, .pending-file, .code-block, table, blockquote";
  const boxOf = (element) => element.getBoundingClientRect();
  const all = [...document.querySelectorAll(`.message :is(${BLOCK}, .text p, .text li, .authored > header)`)];
  const found = { tight: [], beside: [], indented: [], covered: [] };
  all.forEach((element, at) => {
    const before = all[at - 1];
    if (before === undefined || before.contains(element)) return;
    const gap = boxOf(element).top - boxOf(before).bottom;
    const [isBlock, follows] = [element.matches(BLOCK), before.matches(BLOCK)];
    if ((isBlock && gap < 5.9) || (follows && gap < 5.9) || (isBlock && follows && gap < 8))
      found.tight.push(`${gap} from ${before.className || before.localName} to ${element.className || element.localName}`);
  });
  for (const tick of document.querySelectorAll(".said .tick")) {
    const block = tick.closest(".said").querySelector(`:is(${BLOCK}):last-child`);
    if (block !== null && boxOf(tick).right > boxOf(block).left) found.beside.push(block.className || block.localName);
  }
  for (const element of document.querySelectorAll(".message :is(p, ul, ol, dl, dd, pre, hr, table, figure, blockquote)")) {
    const { marginInlineStart, marginInlineEnd } = getComputedStyle(element);
    if (marginInlineStart !== "0px" || marginInlineEnd !== "0px") found.indented.push(element.localName);
  }
  for (const button of document.querySelectorAll(".copy-code"))
    if (boxOf(button).left < boxOf(button.parentElement.querySelector("pre")).right - 0.5) found.covered.push("code");
  const widths = [...document.querySelectorAll(".pictures:not(.mosaic) .picture")].map((each) => boxOf(each).width);
  return { ...found, widths: new Set(widths).size, tab: getComputedStyle(document.querySelector("pre code")).tabSize };
}

// Beside a panel, the name of an author keeps its room below the pointer too: what follows it has the rest.
test("The name of an author keeps its room beside a panel", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["maya"], name: "Authors" });
  const root = await post("messages", "maya", { conversationId: id, content: "Who has the room?" });
  await post("messages", "alice", { conversationId: id, content: "I do", threadId: root.id });
  await call("PUT", `messages/${root.id}/pin`, "alice");
  await call("PUT", `messages/${root.id}/saved`, "maya");
  const cut = [];
  for (const locale of ["en-GB", "de-DE", "fr-FR"]) {
    const page = await visit({ locale, viewport: { width: 1024, height: 768 } });
    await page.getByRole("button", { name: "Maya Lindgren" }).click();
    await conversations(page).first().waitFor();
    await page.evaluate((place) => void (location.hash = `#/conversation/${place}`), id);
    await page.locator(".replies").click();
    for (const part of [".conversation", ".panel"]) {
      const asked = page.locator(`${part} .message`).filter({ hasText: "Who has the room?" });
      const look = async (when) => {
        const isCut = await asked.locator("header .name bdi").evaluate((it) => it.scrollWidth > it.clientWidth);
        const isSplit = await asked.locator("header time").evaluate((it) => {
          const [inner, outer] = [it, it.parentElement].map((each) => each.getBoundingClientRect());
          return inner.top < outer.bottom && inner.right > outer.right + 0.5;
        });
        if (isCut || isSplit) cut.push(`${locale} ${part} ${when}`);
      };
      await asked.locator(".mark").nth(1).waitFor({ state: "attached" });
      await look("alone");
      await asked.hover();
      await asked.locator(".actions button:visible").nth(1).waitFor();
      await look("below the pointer");
    }
    await page.context().close();
  }
  deepEqual(cut, []);
});

test("What is closed fades and is gone for keys and screen readers at once", [], async () => {
  const { left, zoomed, lifted } = await closesAll("no-preference");
  deepEqual(
    left.map(([name, , inert]) => [name, inert]),
    ["menu", "large", "panel", "viewer", "emoji-popup"].map((name) => [name, true]),
  );
  ok(left.every(([, durationMs]) => durationMs > 0 && durationMs <= 120));
  // A picture shrinks only into a thumbnail that is in sight.
  deepEqual(zoomed, [[160], [100], [160], []]);
  deepEqual(lifted, { durations: Array(5).fill(140), found: true });
});

test("Nothing moves for readers who prefer reduced motion", [], async () => {
  const { left, zoomed, lifted } = await closesAll("reduce");
  deepEqual(left, []);
  // Nothing fades either, so that only openings are noted.
  deepEqual(zoomed, [[], []]);
  deepEqual(lifted, { durations: [], found: true });
});

// Returns what runs when a menu, a dialog, a panel and a picture are closed, after which something has the focus; when a
// picture is opened; and when a message lifts a conversation to the top of the list.
async function closesAll(reducedMotion) {
  const name = `Leaving ${reducedMotion}${Date.now()}`;
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name });
  const page = await visitAs("alice", { reducedMotion, init: noteMotion, viewport: { width: 1440, height: 900 } });
  const file = await drawn(page, "teal.png", 800, 600, "alice");
  await post("messages", "alice", { conversationId: id, content: "", attachments: [{ id: file.id }] });
  await page.evaluate((at) => void (location.hash = `#/conversation/${at}`), id);
  const viewer = page.locator("dialog.viewer:not(.leaving *)");
  const openers = [
    [page.getByRole("button", { name: /^Your account/ }), page.getByRole("menu")],
    [page.getByRole("button", { name: "New conversation" }), page.locator("dialog[open]:not(.leaving *)")],
    [page.getByRole("button", { name: "Details" }), page.locator(".panel:not(.leaving *)")],
    [page.locator(".picture"), viewer],
    [page.locator(".composer").getByRole("button", { name: "Emoji", exact: true }), page.locator(".emoji-popup:not(.leaving *)")],
  ];
  for (const [opener, opened] of openers) {
    await opener.press("Enter");
    await opened.waitFor();
    await page.keyboard.press("Escape");
    await opened.waitFor({ state: "detached" });
    await opener.or(page.locator(".composer textarea")).and(page.locator(":focus")).waitFor();
    await page.locator(".leaving").waitFor({ state: "detached" });
    ok(await page.evaluate(() => document.activeElement !== document.body));
  }
  const left = await page.evaluate(() => [...window.left]);
  // While it is open, its thumbnail goes out of sight.
  await page.locator(".picture").press("Enter");
  await viewer.waitFor();
  await post("messages", "bob", { conversationId: id, content: "tall\n".repeat(60) });
  await until(() => page.locator(".picture").evaluate((it) => it.getBoundingClientRect().bottom), (bottom) => bottom < 0);
  await page.keyboard.press("Escape");
  await viewer.waitFor({ state: "detached" });
  const zoomed = await page.evaluate(() => window.zoomed);
  const fifth = page.locator(".conversations a").nth(4);
  const moved = page.evaluate(motionOfRows, await fifth.locator(".name").textContent());
  const liftedId = (await fifth.getAttribute("href")).split("/").at(-1);
  await post("messages", "alice", { conversationId: liftedId, content: "Up" });
  return { left, zoomed, lifted: await moved };
}

// Runs in the page, once a conversation is the first one of the list: how its rows move, and whether each is found by the
// pointer where it will be.
function motionOfRows(first) {
  return new Promise((resolve) => {
    const list = document.querySelector("nav.conversations");
    new MutationObserver((_, observer) => {
      if (list.querySelector(".name").textContent !== first) return;
      observer.disconnect();
      const moving = document.getAnimations().filter(({ effect }) => effect.target.matches(".conversation-row"));
      const found = moving.every(({ effect }) => {
        const { left, top, width, height } = effect.target.closest("a").getBoundingClientRect();
        return effect.target.closest("a").contains(document.elementFromPoint(left + width / 2, top + height / 2));
      });
      resolve({ durations: moving.map(({ effect }) => effect.getComputedTiming().duration), found });
    }).observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
  });
}

// Runs in the page. Notes what fades, for how long, and whether it can be reached meanwhile; and for how long pictures grow
// and shrink.
function noteMotion() {
  window.left = [];
  window.zoomed = [];
  const durations = (element, options) => element.getAnimations(options).map(({ effect }) => effect.getComputedTiming().duration);
  new MutationObserver((changes) => {
    for (const { target, attributeName } of changes)
      if (attributeName === "open" && target.matches(".viewer[open]")) window.zoomed.push(durations(target.querySelector("img")));
    for (const front of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (!front.matches?.(".leaving")) continue;
      const name = front.firstElementChild.classList[0] ?? "dialog";
      window.left.push([name, Math.max(...durations(front, { subtree: true })), front.inert]);
      if (name === "viewer") window.zoomed.push(durations(front.querySelector("img")));
    }
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["open"] });
}
