// A message's menu, what the lists say and find, and the page when its size changes.
import { deepEqual, equal, ok } from "node:assert/strict";
import { call, composer, listed, message, open, opened, post, until, url, visitAs } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

async function group(name, members, more = {}) {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: members, name, ...more });
  return id;
}

// What the message says that has the focus.
const focusedText = (page) => page.evaluate(() => document.querySelector(".message:focus .text")?.textContent);
const menuFocused = (page) => page.waitForFunction(() => document.activeElement.closest("[role=menu]"));

// With the right button, except where the browser's own menu is of use, and with Shift+F10.
test("A message has a menu by right click and by key", [], async () => {
  const id = await group("Menus", ["bob"]);
  await post("messages", "alice", { conversationId: id, content: "See https://example.com/" });
  const bob = await visitAs("bob");
  await open(bob, "Menus");
  const posted = bob.locator(".message").filter({ hasText: "See https" });
  const items = bob.getByRole("menu", { name: "Message actions" });
  await posted.click({ button: "right", position: { x: 300, y: 12 } });
  await items.getByRole("menuitem", { name: "Reply", exact: true }).click();
  await bob.getByText("Replying to alice").waitFor();
  await composer(bob).fill("by menu");
  await composer(bob).press("Enter");
  const quote = bob.locator("button.quote");
  await quote.waitFor();
  await posted.first().focus();
  await bob.keyboard.press("Shift+F10");
  await items.getByRole("menuitem", { name: "Copy link" }).waitFor();
  await menuFocused(bob);
  await bob.keyboard.press("Escape");
  await items.waitFor({ state: "detached" });
  await until(() => focusedText(bob), Boolean);
  equal((await quote.innerText()).trim(), "alice\nSee https://example.com/");
  equal(await focusedText(bob), "See https://example.com/");

  // Whether the page has taken the menu from the browser.
  const isTaken = (locator) =>
    locator.evaluate((element) => {
      element.dispatchEvent(new PointerEvent("pointerdown", { button: 2, bubbles: true, pointerType: "mouse" }));
      return !element.dispatchEvent(new MouseEvent("contextmenu", { button: 2, bubbles: true, cancelable: true }));
    });
  equal(await isTaken(posted.first().locator(".text a")), false);
  await posted.first().locator(".text").evaluate((text) => getSelection().selectAllChildren(text));
  equal(await isTaken(posted.first().locator(".text p, .text span").first()), false);
});

// The message field takes the focus when it appears, such as after a moderator's mute, but not from a menu.
test("A menu stays open when the message field appears", [], async () => {
  const id = await group("Muted", ["bob"]);
  const mute = `conversations/${encodeURIComponent(id)}/mutes/bob`;
  await call("PUT", mute, "alice", {});
  const bob = await visitAs("bob");
  await listed(bob, "Muted").click();
  await bob.locator(".read-only").filter({ hasText: /muted/i }).waitFor();
  await bob.getByRole("button", { name: /^Your account/ }).click();
  const items = bob.getByRole("menuitem");
  await menuFocused(bob);
  await call("DELETE", mute, "alice");
  await composer(bob).waitFor();
  // A menu that loses the focus closes a moment later.
  await bob.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  ok((await items.count()) > 1);
});

test("The list says who types and how many messages are unread", [], async () => {
  const id = await group("Typing here", ["bob"]);
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(bob, "Typing here");
  await composer(bob).pressSequentially("Hello");
  await listed(alice, "Typing here").getByText("bob is typing…").waitFor();
  await bob.keyboard.press("Enter");
  await message(bob, "Hello").waitFor();
  await post("messages", "bob", { conversationId: id, content: "Again" });
  const entry = listed(alice, "Typing here");
  await entry.getByText("Again").waitFor();
  await entry.getByTitle("2 unread").waitFor();
  equal(await entry.locator(".newest .hidden").textContent(), "2 unread");
  await call("PATCH", "users/me", "bob", { name: "Rebecca" });
  await entry.getByText("Rebecca").waitFor();
  equal((await entry.ariaSnapshot()).match(/Rebecca.*Again/)?.[0], "Rebecca: Again");
  await call("PATCH", "users/me", "bob", { name: "B".repeat(60) });
  const name = entry.locator(".last bdi").first();
  await name.getByText("BBB").waitFor();
  const [line, cut, text] = await Promise.all(
    [entry.locator(".last"), name, entry.locator(".last bdi").last()].map((it) => it.boundingBox()),
  );
  const isBeside = text.x > cut.x + cut.width && text.x + text.width <= line.x + line.width;
  ok(cut.width <= line.width / 2 && isBeside);
  await call("PATCH", "users/me", "bob", { name: "bob" });
});

test("Public conversations, people and files are found", [], async () => {
  await group("Open questions", [], { public: true });
  await call("PATCH", "users/me", "opal", { name: "Opal" });
  const id = await group("Papers", ["carol"]);
  const form = new FormData();
  form.append("file", new Blob(["one\ntwo"], { type: "text/plain" }), "figures 2026.txt");
  const file = await (await fetch(`${url}/api/v1/files?userId=alice`, { method: "POST", body: form })).json();
  await post("messages", "alice", { conversationId: id, content: "@carol See below", attachments: [{ id: file.id }] });
  // Carol opens a conversation whose messages she may not read yet.
  const carol = await visitAs("carol", { expected: /status of 403/ });
  await carol.keyboard.press("Control+k");
  const switcher = carol.getByRole("dialog", { name: "Go to" });
  await switcher.getByRole("option").filter({ hasText: "Papers" }).getByTitle("1 mention").waitFor();
  await switcher.getByRole("combobox").fill("op");
  const options = switcher.getByRole("option");
  await options.filter({ hasText: "Opal" }).waitFor();
  await options.filter({ hasText: "Open questions" }).waitFor();
  deepEqual(await options.locator(":is(.avatar, .portrait) + .name").allTextContents(), ["Open questions", "Opal"]);
  await options.filter({ hasText: "Open questions" }).click();
  const join = carol.getByRole("button", { name: "Join", exact: true });
  await join.waitFor();
  equal(await join.count(), 1);

  const field = carol.locator("aside").getByRole("searchbox");
  await field.fill("open quest");
  const found = carol.getByRole("region", { name: "Public conversations" });
  await found.getByRole("button", { name: "Open questions" }).waitFor();
  // The index follows the messages a moment later.
  const find = async () => (await call("GET", "search?q=figures", "carol")).items.length;
  await until(find, (count) => count > 0);
  await field.fill("figures");
  const result = carol.locator(".find").filter({ hasText: "See below" });
  const marked = result.locator(".find-file mark");
  await marked.waitFor();
  deepEqual(await marked.allTextContents(), ["figures"]);
  await result.click();
  await opened(carol, "Papers");
  await carol.locator(".file-card").getByRole("button", { name: "figures 2026.txt", exact: true }).click();
  const shown = carol.getByRole("dialog", { name: "figures 2026.txt" });
  equal(await shown.locator("pre").textContent(), "one\ntwo");
  await carol.keyboard.press("Escape");
  await shown.waitFor({ state: "detached" });

  await carol.locator(".composer").getByRole("button", { name: "Emoji", exact: true }).click();
  const picker = carol.getByRole("dialog", { name: "Emoji" });
  await picker.getByRole("button", { name: "Travel & places" }).click();
  await picker.getByText("Travel & places", { exact: true }).first().waitFor();
  await picker.getByRole("searchbox").fill("rocket");
  await picker.locator("[role=gridcell][data-active]").filter({ hasText: "🚀" }).waitFor();
  await carol.keyboard.press("Enter");
  await picker.waitFor({ state: "detached" });
  equal(await composer(carol).inputValue(), "🚀");
});

test("The list keeps its width and the way to the newest message ends", [], async () => {
  const id = await group("Sizes", ["bob"]);
  for (let number = 1; number <= 12; number++)
    await post("messages", "alice", { conversationId: id, content: `Line ${number}` });
  const alice = await visitAs("alice", { viewport: { width: 1100, height: 400 } });
  await open(alice, "Sizes");
  await message(alice, "Line 12").waitFor();
  const newest = alice.getByRole("button", { name: /^Jump to newest/ });
  await until(
    async () => {
      await alice.locator(".scroller").evaluate((it) => it.scrollTo(0, 0));
      return newest.isVisible();
    },
    Boolean,
  );
  await alice.setViewportSize({ width: 1100, height: 900 });
  await newest.waitFor({ state: "detached" });
  const width = () => alice.locator(".sidebar").evaluate((it) => it.getBoundingClientRect().width);
  const before = await width();
  await alice.getByRole("button", { name: "Details" }).click();
  await alice.locator(".panel").waitFor();
  equal(await width(), before);
  // The size that readers choose in the browser's settings.
  const browser = await alice.context().newCDPSession(alice);
  await browser.send("Page.setFontSizes", { fontSizes: { standard: 32 } });
  const size = () => message(alice, "Line 12").evaluate((it) => Number.parseFloat(getComputedStyle(it).fontSize));
  equal(await until(size, (px) => px > 20), 30);
});

// In a low window (as with a zoom of 200 %), a menu is inside it as a whole, and scrolls.
test("A menu is inside a low window and scrolls", [], async () => {
  const id = await group("Low", ["bob"]);
  for (let i = 0; i < 12; i++) await post("messages", "alice", { conversationId: id, content: `Line ${i}` });
  const alice = await visitAs("alice", { viewport: { width: 720, height: 300 } });
  await open(alice, "Low");
  const menu = alice.getByRole("menu");
  for (const line of ["Line 11", "Line 9"]) {
    await message(alice, line).click({ button: "right" });
    await menu.getByRole("menuitem").first().waitFor();
    await menuFocused(alice);
    await alice.keyboard.press("End");
    await alice.waitForFunction(() => document.activeElement.matches("[role=menu] [role^=menuitem]:last-child"));
    const place = () =>
      menu.evaluate((element) => {
        const { top, bottom } = element.getBoundingClientRect();
        const last = element.lastElementChild.getBoundingClientRect();
        return {
          isInside: top >= 0 && bottom <= innerHeight,
          showsLast: last.top >= 0 && last.bottom <= innerHeight,
          scrolled: document.scrollingElement.scrollTop,
        };
      });
    deepEqual(await until(place, ({ isInside, showsLast }) => isInside && showsLast), {
      isInside: true,
      showsLast: true,
      scrolled: 0,
    });
    await alice.keyboard.press("Escape");
    await menu.waitFor({ state: "detached" });
  }
});

// A toast below the list covers no item of a menu there, and is shown again after it.
test("A toast covers no item of a menu", [], async () => {
  const names = Array.from({ length: 8 }, (_, index) => `Low row ${index}`);
  for (const name of names) await group(name, ["bob"]);
  const alice = await visitAs("alice");
  await listed(alice, names[7]).click({ button: "right" });
  await alice.getByRole("menuitem", { name: "Archive", exact: true }).click();
  const undo = alice.locator(".toast").getByRole("button", { name: "Undo" });
  await undo.waitFor();
  // As low as its menu has room below it, where the toast is.
  const at = await alice.locator(".toast").boundingBox();
  await alice.mouse.click(at.x + 60, 430, { button: "right" });
  await alice.getByRole("menuitem", { name: "Mute", exact: true }).click();
  const items = alice.getByRole("menu", { name: "Mute" }).getByRole("menuitem");
  await items.last().waitFor();
  equal(await items.evaluateAll((all) =>
    all.filter((it) => {
      const { left, top, width, height } = it.getBoundingClientRect();
      return !it.contains(document.elementFromPoint(left + width / 2, top + height / 2));
    }).length,
  ), 0);
  const box = await alice.getByRole("menu", { name: "Mute" }).boundingBox();
  ok(box.y + box.height > at.y && box.x < at.x + at.width);
  await alice.keyboard.press("Escape");
  await undo.waitFor();
});
