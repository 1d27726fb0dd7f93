// The page on a phone: a touch screen of 390 pixels, and its Back button.
import { deepEqual, equal, ok } from "node:assert/strict";
// The page on a phone: a touch screen of 390 pixels, and its Back button.
import {
  atEnd,
  call,
  composer,
  conversations,
  drawn,
  holdable,
  letters,
  listed,
  longPress,
  message,
  open,
  opened,
  pause,
  post,
  until,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
// A picture of one dot.
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

// The field takes most of the width; its buttons come with the one before it.
async function unfold(page) {
  await page.locator(".composer").getByRole("button", { name: "Attach, emoji and more" }).tap();
}

const phoneAs = (user, options) => visitAs(user, { ...PHONE, ...options });

// A group with a picture and a thread.
async function prepare(name) {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name });
  const form = new FormData();
  form.append("file", new Blob([Buffer.from(PNG, "base64")], { type: "image/png" }), "dot.png");
  const file = await (await fetch(`${url}/api/v1/files?userId=bob`, { method: "POST", body: form })).json();
  const root = await post("messages", "bob", { conversationId: id, content: "The first one" });
  await post("messages", "carol", { conversationId: id, content: "A reply", threadId: root.id });
  await post("messages", "bob", { conversationId: id, content: "A picture", attachments: [{ id: file.id }] });
  return { id, root };
}

// Where the reader is in the history of their tab: the fragments of its addresses, up to the current one.
async function trail(page) {
  const session = await page.context().newCDPSession(page);
  const { currentIndex, entries } = await session.send("Page.getNavigationHistory");
  await session.detach();
  return entries
    .slice(0, currentIndex + 1)
    .map((entry) => entry.url)
    .filter((address) => address.startsWith("http"))
    .map((address) => new URL(address).hash);
}

// Waits until the history has so many entries up to the current one. An entry is removed a moment after what it belongs to.
const trailOf = (page, count) => until(() => trail(page), ({ length }) => length === count);

// Everything that can be in front of a conversation, by how it is opened and what it is.
const IN_FRONT = {
  details: async (page) => {
    await page.getByRole("button", { name: "Details" }).tap();
    return page.getByRole("main", { name: "Details" });
  },
  search: async (page) => {
    await page.getByRole("button", { name: "More", exact: true }).tap();
    await page.getByRole("menuitem", { name: "Search" }).tap();
    return page.getByRole("main", { name: "Search" });
  },
  thread: async (page) => {
    await page.locator(".replies").first().tap();
    return page.getByRole("main", { name: "Thread" });
  },
  viewer: async (page) => {
    await page.locator(".picture").first().tap();
    return page.locator("dialog.viewer");
  },
  sheet: async (page) => {
    await longPress(page, page.locator(".message").filter({ hasText: "The first one" }).first());
    return page.locator("dialog.sheet");
  },
  "dialog of the sheet": async (page) => {
    await longPress(page, page.locator(".message").filter({ hasText: "The first one" }).first());
    await page.getByRole("button", { name: "Forward", exact: true }).tap();
    return page.getByRole("dialog", { name: /^Forward/ });
  },
  menu: async (page) => {
    await page.getByRole("button", { name: "More", exact: true }).tap();
    return page.getByRole("menu");
  },
  emoji: async (page) => {
    const button = page.locator(".composer").getByRole("button", { name: "Emoji", exact: true });
    if (!(await button.isVisible())) await unfold(page);
    await button.tap();
    return page.locator(".emoji-popup");
  },
};

// What is in front of a conversation has one entry in the history, which Back removes, and the conversation stays.
async function closesByBack(page, shown, before, name) {
  await shown.waitFor();
  equal((await trailOf(page, before + 1)).length, before + 1, name);
  await page.goBack();
  await shown.waitFor({ state: "detached" });
  equal((await trailOf(page, before)).length, before, name);
  ok(await composer(page).isVisible(), name);
}

// Back closes what is in front, and then leaves the conversation. Closing otherwise leaves no entry behind.
test("Back closes what is in front", [], async () => {
  await prepare("Back");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Back");
  await page.locator(".picture").first().waitFor();
  const start = await trail(page);
  for (const [name, show] of Object.entries(IN_FRONT)) {
    const shown = await show(page);
    await closesByBack(page, shown, start.length, name);
  }
  // By its button, and by Escape.
  await IN_FRONT.details(page);
  await page.getByRole("button", { name: "Close" }).tap();
  equal((await trailOf(page, start.length)).length - start.length, 0);
  await IN_FRONT.viewer(page);
  await page.locator("dialog.viewer").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog.viewer").waitFor({ state: "detached" });
  equal((await trailOf(page, start.length)).length - start.length, 0);
  await page.goBack();
  await conversations(page).first().waitFor();
  equal(await page.evaluate(() => location.hash), "#/");
});

// The same on its side, where the list is beside the conversation.
test("Back closes menus also on a phone on its side", [], async () => {
  await prepare("Sideways");
  const page = await phoneAs("alice", { path: "/#/", viewport: { width: 844, height: 390 } });
  await open(page, "Sideways");
  // The beginning of the conversation would fill so low a screen.
  const above = (await page.locator("[role=log]").boundingBox()).y;
  const [{ y: line }] = await until(async () => [await page.locator(".unread-from").boundingBox()], ([{ y }]) => y - above < 100);
  ok(line >= above);
  const start = await trail(page);
  const shows = {
    emoji: () => IN_FRONT.emoji(page),
    menu: async () => {
      await page.getByRole("button", { name: /^Your account/ }).tap();
      return page.getByRole("menu");
    },
    card: async () => {
      await page.locator(".message header").getByRole("button", { name: "bob", exact: true }).first().tap();
      return page.locator(".person-card");
    },
  };
  for (const [name, show] of Object.entries(shows)) {
    const shown = await show();
    await closesByBack(page, shown, start.length, name);
  }
  // From the choices of an item to the menu, and then out of it.
  const menu = await shows.menu();
  const choices = page.getByRole("menu", { name: "Do not disturb" });
  for (const back of [() => page.goBack(), () => choices.getByRole("menuitem", { name: "Do not disturb: back" }).tap()]) {
    await menu.getByRole("menuitemradio", { name: "Do not disturb" }).tap();
    await choices.waitFor();
    equal((await trailOf(page, start.length + 2)).length - start.length, 2);
    await back();
    await menu.getByRole("menuitem", { name: "Settings" }).waitFor();
    equal((await trailOf(page, start.length + 1)).length - start.length, 1);
  }
  await page.goBack();
  await menu.waitFor({ state: "detached" });
  equal((await trailOf(page, start.length)).length - start.length, 0);
});

// A reload with something in front shows the page without it, and Back leaves the page.
test("A reload with a panel keeps the conversation", [], async () => {
  await prepare("Reloaded");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Reloaded");
  const start = await trail(page);
  await (await IN_FRONT.details(page)).waitFor();
  await trailOf(page, start.length + 1);
  await page.reload();
  await opened(page, "Reloaded");
  equal((await trailOf(page, start.length)).length - start.length, 0);
  await page.goBack();
  await conversations(page).first().waitFor();
  equal(await page.evaluate(() => location.hash), "#/");
});

// What opens a conversation from something in front adds one entry, and Back from there shows nothing in front.
test("A conversation opened from a dialog is one step", [], async () => {
  await prepare("Onward");
  await prepare("Elsewhere");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Onward");
  const start = (await trail(page)).length;
  const settings = page.locator("dialog.settings");
  const home = async () => {
    await page.goBack();
    await opened(page, "Onward");
    equal(await page.locator("dialog[open], .panel").count(), 0);
  };

  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("Elsewhere");
  await page.getByRole("option").first().tap();
  await opened(page, "Elsewhere");
  equal((await trailOf(page, start + 1)).length - start, 1);
  await home();

  await (await IN_FRONT["dialog of the sheet"](page)).waitFor();
  await page.locator(".targets label").filter({ hasText: "Elsewhere" }).first().tap();
  await page.getByRole("button", { name: "Forward to Elsewhere" }).tap();
  await page.locator(".toast").getByRole("button", { name: "Open" }).tap();
  await opened(page, "Elsewhere");
  equal((await trailOf(page, start + 1)).length - start, 1);
  await home();

  // In the conversation itself: from the search to the message.
  await (await IN_FRONT.search(page)).waitFor();
  await page.getByRole("searchbox").fill("first");
  await page.getByRole("searchbox").press("Enter");
  await page.locator(".panel").getByText("The first one").first().tap();
  await page.locator(".row.shown").waitFor();
  equal((await trailOf(page, start + 1)).length - start, 1);
  // Back to the results, and from there to the conversation.
  await page.goBack();
  await page.locator(".panel").waitFor();
  await home();

  // Settings that are open when a conversation is opened by something else, such as a notification.
  await page.locator(".back").tap();
  await page.getByRole("button", { name: /^Your account/ }).tap();
  await page.getByRole("menuitem", { name: "Settings" }).tap();
  await settings.waitFor();
  await page.goBack();
  await settings.waitFor({ state: "detached" });
  equal(await page.evaluate(() => location.hash), "#/");
});

// The arrow above a conversation leads back to the list and adds no entry, also over several conversations; without a list
// below, the list takes the place of the conversation.
test("The arrow above a conversation leads back to the list", [], async () => {
  const first = await prepare("Arrow");
  const second = await prepare("Bow");
  const page = await phoneAs("alice", { path: "/#/" });
  const back = async () => {
    await page.locator(".back").tap();
    await conversations(page).first().waitFor();
  };
  await open(page, "Arrow");
  await page.locator(".row").first().waitFor();
  await back();
  deepEqual(await trail(page), ["#/"]);
  await open(page, "Arrow");
  await page.locator(".row").first().waitFor();
  await page.evaluate((hash) => (location.hash = hash), `#/conversation/${second.id}`);
  await page.getByRole("heading", { name: "Bow" }).first().waitFor();
  equal((await trail(page)).length - 1, 2);
  await back();
  deepEqual(await trail(page), ["#/"]);
  const linked = await visit({ ...PHONE, path: `/#/conversation/${first.id}` });
  await linked.getByLabel("Another user ID").fill("alice");
  await linked.keyboard.press("Enter");
  await linked.locator(".row").first().waitFor();
  await linked.locator(".back").tap();
  await conversations(linked).first().waitFor();
  deepEqual(await trail(linked), ["#/"]);
});

// From a message that was found in a conversation, Back leads to the results, then to the conversation and to the list.
test("Back leads from a found message to the results", [], async () => {
  await prepare("Results");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Results");
  await (await IN_FRONT.search(page)).waitFor();
  await page.getByRole("searchbox").fill("first");
  await page.getByRole("searchbox").press("Enter");
  const result = page.locator(".panel").getByText("The first one").first();
  for (let times = 0; times < 2; times++) {
    await result.tap();
    await page.locator(".row.shown").waitFor();
    await page.goBack();
    await result.waitFor();
  }
  equal(await page.getByRole("searchbox").inputValue(), "first");
  await page.goBack();
  await page.locator(".panel").waitFor({ state: "detached" });
  await opened(page, "Results");
  await page.goBack();
  await listed(page, "Results").waitFor();
  equal(await page.evaluate(() => location.hash), "#/");
});

// A picture that is left by Back does not come up over the next conversation.
test("A picture that was left stays closed", [], async () => {
  await prepare("With a picture");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "With a picture");
  await (await IN_FRONT.viewer(page)).waitFor();
  await page.evaluate(() => {
    location.hash = "#/";
  });
  await conversations(page).first().waitFor();
  await listed(page, "general").tap();
  await opened(page, "general");
  equal(await page.locator("dialog[open]").count(), 0);
});

// A tap on a message shows no buttons; the keyboard's focus does.
test("A tap on a message shows no buttons", [], async () => {
  await prepare("Tapped");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Tapped");
  const all = page.locator(".message");
  await page.locator(".picture").first().waitFor();
  const visible = () =>
    page.locator(".actions").evaluateAll((bars) => bars.filter((bar) => getComputedStyle(bar).opacity !== "0").length);
  for (const index of [0, 1]) {
    const { x, y, width } = await all.nth(index).boundingBox();
    await page.touchscreen.tap(x + width - 20, y + 20);
    await page.waitForFunction((at) => document.activeElement === document.querySelectorAll(".message")[at], index);
  }
  equal(await visible(), 0);
  await page.keyboard.press("ArrowUp");
  await all.nth(0).and(page.locator(":focus-visible")).waitFor();
  equal(await visible(), 1);
});

// Where a finger hits what it aims at: of each button, link and field in sight, whether points 21 pixels from its middle
// belong to it, or to its label. Those at the edge of what scrolls are left out, and so are links in the middle of a text.
async function tooSmall(page) {
  await page.evaluate(async () => {
    for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  });
  return page.evaluate(smallTargets);
}

// Runs in the page.
function smallTargets() {
  const REACH = 21;
  const TARGETS = "a[href], button, input, select, textarea, [role=option], [role=tab], [role=menuitem], [role=menuitemradio]";
  const front = [...document.querySelectorAll("dialog[open], .emoji-popup, [role=menu]")].at(-1) ?? document;
  const found = [];
  for (const element of front.querySelectorAll(TARGETS)) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest("[inert]")) continue;
    if (element.matches(".text a, .text .mentioned, .actions *, .subtitle a, .skip *")) continue;
    if (element.matches("input:not([type=checkbox], [type=radio], [type=file], [type=range])") && element.offsetHeight < 44)
      found.push(`${element.type} ${element.getAttribute("aria-label")} ${element.offsetHeight}`);
    const label = element.matches("input") ? element.closest("label") : null;
    const { left, top, width, height } = (label ?? element).getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const belongs = (dx, dy) => {
      const hit = document.elementFromPoint(x + dx, y + dy);
      return hit !== null && ((label ?? element).contains(hit) || hit.closest("label")?.control === element);
    };
    // Covered, or scrolled out of sight.
    if (!belongs(0, 0)) continue;
    const scroller = element.closest(".directory, .scroller, .conversations, .content, .panel-content, dialog, .viewport, .tray");
    const clip = (scroller ?? document.documentElement).getBoundingClientRect();
    // The buttons that save are above what scrolls.
    const bar = scroller?.querySelector(".save-bar");
    const bottom = bar && !bar.contains(element) ? bar.getBoundingClientRect().top : clip.bottom;
    if (y - REACH < Math.max(0, clip.top) || y + REACH > Math.min(innerHeight, bottom) - 1) continue;
    if (x - REACH < Math.max(0, clip.left) || x + REACH > Math.min(innerWidth, clip.right)) continue;
    const misses = [[0, -REACH], [0, REACH], [-REACH, 0], [REACH, 0]].filter(([dx, dy]) => !belongs(dx, dy));
    if (misses.length === 0) continue;
    const name = element.getAttribute("aria-label") ?? element.textContent.slice(0, 30) ?? "";
    const kind = `${element.localName}.${element.className}`;
    const inTheWay = misses.map(([dx, dy]) => document.elementFromPoint(x + dx, y + dy)?.outerHTML.slice(0, 80));
    found.push(`${kind} "${name.trim()}" ${Math.round(width)}x${Math.round(height)} ${JSON.stringify(misses)} ${inTheWay}`);
  }
  return found;
}

test("A finger hits what it aims at", [], async () => {
  const { id, root } = await prepare("Targets");
  const answer = await post("messages", "alice", { conversationId: id, content: "Seen by @bob", replyToId: root.id });
  for (const [user, emoji] of [["bob", "👍"], ["carol", "🎉"]])
    await call("PUT", `messages/${answer.id}/reactions/${encodeURIComponent(emoji)}`, user);
  const page = await phoneAs("alice", { path: "/#/" });
  const look = async (screen) => deepEqual(await tooSmall(page), [], screen);
  await conversations(page).first().waitFor();
  await look("list");
  await page.getByRole("button", { name: "New conversation" }).tap();
  await page.getByLabel("Find people").waitFor();
  await look("new conversation");
  await page.getByLabel("Find people").fill("bob");
  await page.locator("dialog [role=option]").first().waitFor();
  await look("people");
  await page.goBack();
  await page.getByRole("button", { name: /^Your account/ }).tap();
  await page.getByRole("menuitem", { name: "Settings" }).waitFor();
  await look("account menu");
  await page.getByRole("menuitem", { name: "Settings" }).tap();
  const tabs = page.locator("dialog.settings").getByRole("tab");
  await tabs.first().waitFor();
  for (const name of await tabs.allTextContents()) {
    await tabs.getByText(name, { exact: true }).tap();
    await page.getByRole("tabpanel", { name }).waitFor();
    await look(`settings, ${name}`);
  }
  await page.goBack();
  await page.locator("dialog").waitFor({ state: "detached" });
  await open(page, "Targets");
  await page.locator(".reactions button").first().waitFor();
  await page.locator(".picture img").first().waitFor();
  await look("conversation");
  const { id: elsewhere } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Beside the targets" });
  await post("messages", "bob", { conversationId: elsewhere, content: "Unread" });
  await page.locator(".way-back .count").waitFor();
  await look("conversation with unread messages elsewhere");
  for (const name of ["details", "search", "thread", "viewer", "sheet", "menu", "emoji"]) {
    const shown = await IN_FRONT[name](page);
    await shown.waitFor();
    if (name === "emoji") await shown.getByRole("gridcell").first().waitFor();
    if (name === "details") await page.locator(".member").first().waitFor();
    await look(name);
    await page.goBack();
    await shown.waitFor({ state: "detached" });
  }
});

// Settings fill the screen, with all sections in sight, and what is around the page has the theme's colour.
test("Settings fill the screen and the theme goes beyond the page", [], async () => {
  const page = await phoneAs("alice", { path: "/#/" });
  const color = () =>
    page.evaluate(() => [...document.querySelectorAll("meta[name=theme-color]")].find((each) => matchMedia(each.media).matches)?.content);
  const side = () => page.evaluate(() => getComputedStyle(document.querySelector(".sidebar")).backgroundColor);
  const bySystem = [await color(), await side()];
  deepEqual(bySystem, ["#ffffff", "rgb(255, 255, 255)"]);
  await page.getByRole("button", { name: /^Your account/ }).tap();
  await page.getByRole("menuitem", { name: "Settings" }).tap();
  const dialog = page.locator("dialog.settings");
  await dialog.getByRole("tab").first().waitFor();
  await dialog.evaluate((it) => Promise.all(it.getAnimations().map(({ finished }) => finished)));
  deepEqual(await dialog.boundingBox(), { x: 0, y: 0, width: 390, height: 844 });
  deepEqual(await dialog.getByRole("tab").evaluateAll((tabs) =>
    tabs
      .filter((tab) => {
        const { left, right } = tab.getBoundingClientRect();
        return left < 0 || right > innerWidth || tab.scrollWidth > tab.clientWidth + 1;
      })
      .map((tab) => tab.textContent),
  ), []);
  await dialog.getByRole("tab", { name: "Appearance" }).tap();
  await dialog.getByText("Dark", { exact: true }).tap();
  await until(color, (it) => it !== bySystem[0]);
  deepEqual([await color(), await side()], ["#16181d", "rgb(22, 24, 29)"]);
  await page.reload();
  await conversations(page).first().waitFor();
  equal(await color(), "#16181d");
});

// Moves a finger by so many pixels from the middle of an element, in steps; `meanwhile` runs before it is lifted.
async function swipe(page, at, dx, dy, meanwhile = async () => undefined) {
  const box = await at.boundingBox();
  const session = await page.context().newCDPSession(page);
  const point = (part) => [{ x: box.x + box.width / 2 + dx * part, y: box.y + box.height / 2 + dy * part }];
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: point(0) });
  for (let step = 1; step <= 8; step++) {
    // The browser decides by the first steps whether it scrolls.
    await page.evaluate(() => new Promise(requestAnimationFrame));
    await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: point(step / 8) });
  }
  // Until the page has seen the last step.
  await page.evaluate(() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen))));
  const seen = await meanwhile();
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await session.detach();
  return seen;
}

// A message that a finger moves to the left is replied to; up and down scrolls.
for (const [reducedMotion, direction, moved] of [["no-preference", "ltr", -1], ["no-preference", "rtl", 1], ["reduce", "ltr", 0]])
  test(`A message that is swiped is replied to: ${direction}, ${reducedMotion}`, [], () =>
    repliesBySwipe(reducedMotion, direction, moved),
  );

async function repliesBySwipe(reducedMotion, direction, moved) {
  const { id } = await prepare(`Swiped ${reducedMotion} ${direction}`);
  for (let number = 10; number < 70; number++)
    await post("messages", "alice", { conversationId: id, content: `Row ${number}` });
  const gone = await post("messages", "alice", { conversationId: id, content: "Gone" });
  await call("DELETE", `messages/${gone.id}`, "alice");
  const page = await phoneAs("alice", { path: "/#/", reducedMotion });
  await open(page, `Swiped ${reducedMotion} ${direction}`);
  await page.evaluate((dir) => (document.documentElement.dir = dir), direction);
  const row = page.locator(".message").filter({ hasText: "Row 60" });
  await page.locator(".to-newest").tap();
  await row.waitFor();
  await atEnd(page);
  const side = direction === "rtl" ? -1 : 1;
  const replying = page.locator(".composing");
  const seenAt = (it) => async () => ({
    arrows: await page.locator(".swipe-arrow").count(),
    far: await it.getAttribute("data-swipe"),
    moved: await it.locator(".said").evaluate((text) => Number.parseFloat(getComputedStyle(text).translate) || 0),
  });
  deepEqual(await swipe(page, row, -40 * side, 0, seenAt(row)), { arrows: 1, far: "", moved: 40 * moved });
  equal(await replying.count(), 0);
  await swipe(page, row, 80 * side, 0);
  equal(await replying.count(), 0, "the wrong way");
  await swipe(page, page.locator(".message").filter({ has: page.locator(".gone") }), -80 * side, 0);
  equal(await replying.count(), 0, "a deleted message");
  // The list may return to its end afterwards.
  const highest = await page.locator(".scroller").evaluateHandle((it) => {
    const seen = { from: it.scrollTop, to: it.scrollTop };
    it.addEventListener("scroll", () => (seen.to = Math.min(seen.to, it.scrollTop)));
    return seen;
  });
  await swipe(page, row, -10 * side, 200);
  ok(await until(() => highest.evaluate(({ from, to }) => from - to > 20), Boolean));
  equal(await replying.count(), 0, "the list scrolls");
  // By its text: rows that are drawn meanwhile may come before it.
  const name = await page.locator(".message .text").getByText(/^Row 5[0-9]$/).first().textContent();
  const older = page.locator(".message").filter({ hasText: name });
  await older.click({ trial: true });
  deepEqual(await swipe(page, older, -80 * side, 3, seenAt(older)), { arrows: 1, far: "far", moved: 72 * moved });
  await replying.waitFor({ timeout: 10_000 });
  ok((await replying.textContent()).includes("Replying to"));
  equal(await page.locator(".swipe-arrow, [data-swipe]").count(), 0);
}

// Back ends a search of the list, the archive, and the choice of unread conversations, before it leaves the page. What is
// opened from there leads back to it.
test("Back ends what the list shows before it leaves the page", [], async () => {
  const { id } = await prepare("In the archive");
  await prepare("In the list");
  await call("PATCH", `conversations/${id}/preferences`, "alice", { archived: true });
  const page = await phoneAs("alice", { path: "/#/" });
  await listed(page, "In the list").waitFor();
  const start = (await trail(page)).length;
  const search = page.getByRole("searchbox", { name: /^Search conversations/ });
  const archive = page.getByRole("button", { name: /^Archived/ });
  const unread = page.getByRole("button", { name: "Unread only" });
  const ways = {
    search: { open: () => search.fill("In the"), isOpen: async () => (await search.inputValue()) !== "" },
    archive: { open: () => archive.tap(), isOpen: async () => (await archive.getAttribute("aria-pressed")) === "true" },
    unread: { open: () => unread.tap(), isOpen: async () => (await unread.getAttribute("aria-pressed")) === "true" },
  };
  for (const [name, { open: show, isOpen }] of Object.entries(ways)) {
    await show();
    equal((await trailOf(page, start + 1)).length - start, 1, name);
    await page.locator(".conversations a").first().tap();
    await page.locator(".back").waitFor();
    await page.goBack();
    await conversations(page).first().waitFor();
    await trailOf(page, start + 1);
    ok(await isOpen(), name);
    await page.goBack();
    await becomes(isOpen, false);
    equal((await trailOf(page, start)).length - start, 0, name);
  }
  equal(await page.evaluate(() => location.hash), "#/");
});

// A finger that stays on a row of the list opens its menu, and no conversation.
test("A long press on a row opens its menu", [], async () => {
  await prepare("Pressed");
  const page = await phoneAs("alice", { path: "/#/", init: () => addEventListener("contextmenu", (event) => event.stopImmediatePropagation(), true) });
  const box = await listed(page, "Pressed").boundingBox();
  const session = await page.context().newCDPSession(page);
  const touchPoints = [{ x: box.x + 80, y: box.y + box.height / 2 }];
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints });
  const item = page.getByRole("menuitem", { name: "Archive" });
  await item.waitFor();
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await page.evaluate(() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen))));
  equal(await page.getByRole("menu").count(), 1);
  equal(await page.evaluate(() => location.hash), "#/");
  await item.tap();
  await page.getByText("Undo", { exact: true }).waitFor();
});

// What a finger opens to search in shows what there is, without a keyboard in front of it.
test("What is searched calls up no keyboard", [], async () => {
  const page = await phoneAs("alice", { path: "/#/" });
  for (const name of ["People", "Browse public conversations"]) {
    await page.locator(".side-buttons").getByRole("button", { name, exact: true }).tap();
    await page.getByRole("dialog").getByRole("searchbox").or(page.getByRole("dialog").getByRole("combobox")).waitFor();
    equal(await page.evaluate(() => document.activeElement.localName), "dialog", name);
    await page.goBack();
    await page.locator("dialog").waitFor({ state: "detached" });
  }
  // A button that was pressed looks as before.
  const button = page.getByRole("button", { name: "People", exact: true });
  const grey = await button.evaluate((it) => it.matches(":hover") && getComputedStyle(it).backgroundColor);
  await page.getByRole("searchbox").evaluate((it) => it.focus());
  const before = await button.evaluate((it) => getComputedStyle(it).backgroundColor);
  equal(grey === false ? before : grey, before);
  await page.getByRole("button", { name: /^Your account/ }).tap();
  await page.getByRole("menuitem", { name: "Settings" }).waitFor();
  equal(await page.getByRole("menuitem", { name: "Keyboard shortcuts" }).count(), 0);
});

// The field is wide, keeps the focus and with it the keyboard, and its buttons are behind another one.
test("The field is wide and keeps the keyboard", [], async () => {
  await prepare("Writing");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Writing");
  const box = page.locator(".composer .box");
  const button = (name) => page.locator(".composer").getByRole("button", { name, exact: true });
  for (const [width, share] of [[390, 0.6], [320, 0.55]]) {
    await page.setViewportSize({ width, height: 844 });
    ok((await composer(page).boundingBox()).width / width >= share, `at ${width} pixels`);
  }
  equal(await button("Attach files").isVisible(), false);
  await composer(page).tap();
  await page.keyboard.type("By touch");
  const focusIs = async (name) => equal(await page.evaluate(() => document.activeElement.localName), name);
  await button("Send").tap();
  await page.locator(".message .text").getByText("By touch", { exact: true }).waitFor();
  await focusIs("textarea");
  await unfold(page);
  await focusIs("textarea");
  const names = await box.locator("> button:visible").evaluateAll((all) => all.map((it) => it.getAttribute("aria-label")));
  ok(new Set(names).size > 4);
  for (const name of ["Attach files", "Record a voice message", "Formatting", "Emoji"]) ok(names.includes(name), name);
  await button("Formatting").tap();
  await focusIs("textarea");
  await page.getByRole("toolbar", { name: "Formatting" }).getByRole("button", { name: /^Bold/ }).tap();
  await focusIs("textarea");
  await button("Emoji").tap();
  const emoji = page.locator(".emoji-popup");
  await emoji.getByRole("gridcell").first().waitFor();
  await focusIs("div");
  await emoji.getByRole("gridcell").first().tap();
  await emoji.waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement.localName === "textarea").catch(() => undefined);
  await focusIs("textarea");
  await button("Formatting").tap();
  await button("Send").tap();
  ok(await until(() => button("Attach files").isHidden(), (is) => is));
});

// A finger turns over the pictures, closes them, and enlarges one where it taps twice.
for (const [direction, dragged] of [["ltr", "-90px"], ["rtl", "90px"]])
  test(`A finger turns over, closes and enlarges pictures: ${direction}`, [], () => turnsOver(direction, dragged));

async function turnsOver(direction, dragged) {
  const name = `Pictures ${direction}`;
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name });
  const page = await phoneAs("alice", { path: "/#/" });
  const files = [await drawn(page, "first.png", 1600, 1200), await drawn(page, "second.png", 1600, 1200)];
  await post("messages", "bob", { conversationId: id, content: "", attachments: files.map((file) => ({ id: file.id })) });
  await open(page, name);
  await page.evaluate((dir) => (document.documentElement.dir = dir), direction);
  const side = direction === "rtl" ? -1 : 1;
  await page.locator(".picture").first().tap();
  const viewer = page.locator("dialog.viewer");
  const frame = viewer.locator(".frame");
  const shown = (file) => viewer.getByRole("img", { name: file }).waitFor();
  const loaded = () => page.waitForFunction(() => document.querySelector(".viewer img")?.naturalWidth > 0);
  await shown("first.png");
  await loaded();
  const translated = () => frame.locator("img").evaluate((it) => getComputedStyle(it).translate);
  equal(await swipe(page, frame, -90 * side, 4, translated), dragged);
  await shown("second.png");
  await swipe(page, frame, -90 * side, 4);
  await swipe(page, frame, 90 * side, 4);
  await shown("first.png");
  await loaded();
  // Where the middle of the window is in the picture, in parts of its size.
  const middle = () =>
    frame.evaluate((it) => {
      const [around, image] = [it.getBoundingClientRect(), it.querySelector("img").getBoundingClientRect()];
      const part = (start, size, from, whole) => Math.round(((from + whole / 2 - start) / size) * 100) / 100;
      return [part(image.x, image.width, around.x, around.width), part(image.y, image.height, around.y, around.height)];
    });
  // The browser may take the first tap after a swipe for the end of it.
  const enlarge = viewer.getByRole("button", { name: "Original size" });
  await until(async () => {
    if (await enlarge.isVisible()) await enlarge.tap();
    return enlarge.isHidden();
  }, Boolean);
  deepEqual(await middle(), [0.5, 0.5]);
  await viewer.getByRole("button", { name: "Fit to window" }).tap();
  const box = await viewer.locator("img").boundingBox();
  const at = { x: box.x + box.width * 0.25, y: box.y + box.height * 0.5 };
  const tapTwice = async () => {
    await page.touchscreen.tap(at.x, at.y);
    await page.touchscreen.tap(at.x, at.y);
  };
  await tapTwice();
  await viewer.and(page.locator(".original")).waitFor();
  deepEqual(await viewer.locator("img").evaluate(
    (it, { x, y }) => {
      const { left, top, width, height } = it.getBoundingClientRect();
      return [(x - left) / width, (y - top) / height].map((part) => Math.round(part * 100) / 100);
    },
    at,
  ), [0.25, 0.5]);
  // A finger scrolls now.
  await swipe(page, frame, -90 * side, 4);
  equal(await viewer.getByRole("img", { name: "first.png" }).count(), 1);
  await tapTwice();
  await page.locator("dialog.viewer:not(.original)").waitFor();
  await swipe(page, frame, 3, 90);
  await viewer.waitFor({ state: "detached" });
}

// With the keyboard of a phone up, who is searched for is in sight, and so is the end of the form at its size.
test("Who is searched for is in sight above the keyboard", [], async () => {
  await call("GET", "users/me", "dave");
  const page = await phoneAs("alice", { path: "/#/", viewport: { width: 390, height: 480 } });
  await page.getByRole("button", { name: "New conversation" }).tap();
  await page.getByRole("button", { name: /^New group/ }).tap();
  const find = page.getByRole("combobox", { name: "Find people" });
  const inSight = (it) =>
    it.evaluate((element) => {
      const { left, top, width, bottom } = element.getBoundingClientRect();
      const isOnTop = (y) => element.contains(document.elementFromPoint(left + width / 2, y));
      return isOnTop(top + 2) && isOnTop(bottom - 2);
    });
  for (const name of ["bob", "carol", "dave"]) {
    await find.tap();
    await page.keyboard.type(name);
    const option = page.locator(".found [role=option]").getByText(name, { exact: true });
    await option.waitFor();
    await page.evaluate(() => new Promise(requestAnimationFrame));
    equal(await inSight(find), true, name);
    equal(await inSight(page.locator(".found [role=option]").first()), true, name);
    await option.tap();
    await page.locator(".chosen").getByText(name).waitFor();
    equal(await inSight(find), true, name);
  }
  await page.setViewportSize({ width: 320, height: 560 });
  await page.getByLabel("Group name").fill("Three of us");
  const action = page.getByRole("button", { name: "Create", exact: true });
  await action.scrollIntoViewIfNeeded();
  ok(await inSight(action));
  await action.tap();
  await opened(page, "Three of us");
});

// The offer of notifications is one row of buttons below the list, in each language.
test("The offer of notifications is low", [], async () => {
  for (const locale of ["en", "de", "es", "fr"]) {
    // A browser without windows denies notifications.
    const init = () => Object.defineProperty(Notification, "permission", { get: () => "default" });
    const page = await visit({ ...PHONE, viewport: { width: 360, height: 740 }, locale, path: "/#/", init });
    await page.locator(".demo-other input").first().fill("alice");
    await page.keyboard.press("Enter");
    await conversations(page).first().waitFor();
    await post("messages", "bob", { conversationId: "general", content: "News" });
    const line = page.locator("section.offered");
    await line.waitFor();
    const buttons = await line.getByRole("button").evaluateAll((all) => all.map((it) => it.getBoundingClientRect().top));
    equal(new Set(buttons).size, 1, locale);
    const { height } = await line.boundingBox();
    ok(height < 60, locale);
  }
});

// A toast is above the message field, also when that grows, and covers no message.
test("A toast is above the message field", [], async () => {
  await prepare("Toasts");
  const page = await phoneAs("bob", { path: "/#/" });
  await open(page, "Toasts");
  await composer(page).press("ArrowUp");
  await page.getByText("Editing your message").waitFor();
  await composer(page).fill("A picture, changed");
  await page.locator(".composing").getByRole("button", { name: "Cancel" }).tap();
  const toast = page.locator(".toast:popover-open");
  await toast.getByRole("button", { name: "Undo" }).waitFor();
  // How far it is above the field.
  const gap = async () => {
    const [it, field] = await Promise.all([toast, page.locator(".composer")].map((each) => each.boundingBox()));
    return Math.round(field.y - it.y - it.height);
  };
  ok((await gap()) >= 0);
  const covered = async () => {
    const it = await toast.boundingBox();
    const last = await page.locator(".conversation .message").last().boundingBox();
    return last.y + last.height > it.y;
  };
  await becomes(covered, false);
  const buttons = await toast.getByRole("button").evaluateAll((all) => all.map((it) => it.getBoundingClientRect().top));
  ok(buttons[1] - buttons[0] < 10);
  const { height } = await page.locator(".composer").boundingBox();
  await composer(page).fill(Array.from({ length: 9 }, (_, line) => `Line ${line}`).join("\n"));
  await until(async () => (await page.locator(".composer").boundingBox()).height, (now) => now > height + 60);
  const long = await until(gap, (now) => now >= 0 && now < 30);
  ok(long >= 0 && long < 30);
  await toast.getByRole("button", { name: "Close" }).tap();
  await toast.waitFor({ state: "detached" });
});

test("A tap outside closes and does nothing else", [], async () => {
  await prepare("Outside");
  const page = await phoneAs("alice", { path: "/#/" });
  const at = await listed(page, "Outside").boundingBox();
  await page.getByRole("button", { name: /^Your account/ }).tap();
  const menu = page.getByRole("menu");
  await menu.waitFor();
  const frame = await menu.boundingBox();
  const y = Math.max(at.y + at.height / 2, frame.y + frame.height + 20);
  await page.touchscreen.tap(200, y);
  await menu.waitFor({ state: "detached" });
  equal(await page.evaluate(() => location.hash), "#/");
  await open(page, "Outside");
  const replies = page.locator(".replies").first();
  await replies.waitFor();
  await unfold(page);
  await page.locator(".composer").getByRole("button", { name: "Emoji", exact: true }).tap();
  const popup = page.locator(".emoji-popup");
  await popup.getByRole("gridcell").first().waitFor();
  const { x, width } = await popup.boundingBox();
  const right = await popup.evaluate((it) => Math.max(...[...it.querySelectorAll("fieldset, div")].map((each) => each.getBoundingClientRect().right)));
  ok(x >= 0 && x + width <= 390 && right <= x + width);
  const reach = await replies.boundingBox();
  await page.touchscreen.tap(reach.x + reach.width / 2, reach.y + reach.height / 2);
  await popup.waitFor({ state: "detached" });
  equal(await page.locator(".panel").count(), 0);
  await replies.tap();
  await page.getByRole("main", { name: /^Thread/ }).waitFor();
});

// On a small screen with a long draft, the whole picker is in sight.
test("The emoji picker fits a small screen", [], async () => {
  await prepare("Small");
  const page = await phoneAs("alice", { path: "/#/", viewport: { width: 320, height: 640 } });
  await open(page, "Small");
  await composer(page).fill("One line\n".repeat(12));
  await unfold(page);
  await page.locator(".composer").getByRole("button", { name: "Emoji", exact: true }).tap();
  const popup = page.locator(".emoji-popup");
  await popup.getByRole("gridcell").first().waitFor();
  const { y, height } = await popup.boundingBox();
  ok(y >= 0 && y + height <= 640);
});

// The sheet of a message has all emoji.
test("Any emoji is a reaction", [], async () => {
  await prepare("Reacting");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Reacting");
  await longPress(page, page.locator(".message").filter({ hasText: "The first one" }).first());
  const sheet = page.locator("dialog.sheet");
  await sheet.getByRole("button", { name: "Add reaction" }).tap();
  const popup = page.locator(".emoji-popup");
  await popup.getByRole("searchbox").fill("rocket");
  await popup.getByRole("gridcell", { name: "Rocket" }).tap();
  await sheet.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "🚀, 1" }).waitFor();
});

// A finger pulls the sheet of a message away. One that stops before leaves it open, and a tap on its bar closes it.
test("A finger pulls a sheet away", [], async () => {
  await prepare("Pulled");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Pulled");
  const of = page.locator(".message").filter({ hasText: "The first one" }).first();
  const sheet = page.locator("dialog.sheet");
  const grabber = sheet.getByRole("button", { name: "Close" });
  const pull = async (px) => {
    const { x, y, width } = await grabber.boundingBox();
    const session = await page.context().newCDPSession(page);
    const touch = (type, ...touchPoints) => session.send("Input.dispatchTouchEvent", { type, touchPoints });
    const at = (by) => ({ x: x + width / 2, y: y + 10 + by });
    await touch("touchStart", at(0));
    for (const part of [0.3, 0.6, 1]) await touch("touchMove", at(px * part));
    await touch("touchEnd");
    await session.detach();
  };
  await longPress(page, of);
  const { y } = await sheet.boundingBox();
  await pull(30);
  await until(async () => (await sheet.boundingBox())?.y, (now) => now === y);
  await pull(120);
  await sheet.waitFor({ state: "detached" });
  await longPress(page, of);
  await grabber.tap();
  await sheet.waitFor({ state: "detached" });
});

// A message that slow mode delays: a long press on it opens what can be done with it.
test("A long press on a message that waits says what can be done", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Slow", memberIds: ["bob"] });
  await post("messages", "bob", { conversationId: id, content: "Sent before" });
  const page = await phoneAs("bob");
  const network = await holdable(page);
  await open(page, "Slow");
  network.hold();
  await composer(page).fill("Sent too early");
  await page.locator(".composer .send").tap();
  await letters(page).waitFor();
  await call("PATCH", `conversations/${id}`, "alice", { slowModeS: 3_600 });
  network.release();
  await letters(page).locator(".slowed").waitFor();
  await longPress(page, letters(page));
  const sheet = page.locator(".sheet");
  await sheet.waitFor();
  const buttons = sheet.locator(".sheet-action");
  deepEqual(await buttons.allTextContents(), ["Edit", "Copy text", "Cancel sending"]);
  const heights = await buttons.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().height));
  deepEqual(heights.filter((height) => height < 44), []);
  await buttons.filter({ hasText: "Edit" }).tap();
  equal(await until(() => composer(page).inputValue(), (value) => value !== ""), "Sent too early");
  equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  equal(await letters(page).count(), 1);
});

// The button that starts a conversation is at the lower end corner of the list, where a toast and the last row leave it
// free. It is not above an open conversation, and a wide window has it in the bar.
test("The button that starts a conversation is within reach of a thumb", [], async () => {
  for (const name of ["Corner 1", "Corner 2", "Corner 3"])
    await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name });
  const page = await phoneAs("alice", { viewport: { width: 320, height: 420 }, path: "/#/" });
  await listed(page, "Corner 1").waitFor();
  const start = page.getByRole("button", { name: "New conversation" });
  const gaps = () =>
    start.evaluate((it) => {
      const { left, right, top, bottom, width, height } = it.getBoundingClientRect();
      return { size: [width, height], left, right: innerWidth - right, below: innerHeight - bottom, top };
    });
  const corner = ({ size, left, right, below }) => ({ size, sides: [left, right, below].map(Math.round) });
  const place = await gaps();
  deepEqual(corner(place), { size: [56, 56], sides: [248, 16, 16] });
  await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
  deepEqual(corner(await gaps()), { size: [56, 56], sides: [16, 248, 16] });
  await page.evaluate(() => document.documentElement.setAttribute("dir", "ltr"));
  const lower = (locator) => locator.evaluate((it) => it.getBoundingClientRect().bottom);
  await listed(page, "Corner 1").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Archive" }).tap();
  await page.locator(".toast").getByText("Corner 1 was archived.").waitFor();
  const toast = await lower(page.locator(".toast"));
  const last = await until(
    () =>
      page.locator(".conversations").evaluate((it) => {
        it.scrollTo({ top: it.scrollHeight, behavior: "instant" });
        return Math.max(...[...it.querySelectorAll(".item")].map((each) => each.getBoundingClientRect().bottom));
      }),
    (bottom) => bottom <= place.top,
  );
  ok(toast <= place.top && last <= place.top);
  await start.tap();
  await page.getByRole("dialog", { name: "New conversation" }).waitFor();
  await page.goBack();
  await conversations(page).last().tap();
  await page.locator(".back").waitFor();
  equal(await start.isVisible(), false);
  await page.goBack();
  await page.setViewportSize({ width: 844, height: 390 });
  const wide = await until(gaps, ({ top }) => top < 52);
  deepEqual(wide.size, [44, 44]);
});

// Threads, people and public conversations are in a bar at the lower edge of the list, below the last row. It is not above
// an open conversation, and beside a keyboard the buttons are above the list.
test("The buttons of the list are a bar at the lower edge", [], async () => {
  const ids = [];
  for (const number of [1, 2, 3, 4, 5, 6]) {
    const name = `Above the bar ${number}`;
    ids.push((await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name })).id);
  }
  const page = await phoneAs("alice", { viewport: { width: 320, height: 568 }, path: "/#/" });
  await listed(page, "Above the bar 6").waitFor();
  const bar = page.locator(".side-buttons");
  const box = (locator) => locator.evaluate((it) => it.getBoundingClientRect().toJSON());
  const { top, bottom, left, right } = await box(bar);
  deepEqual([left, right, bottom], [0, 320, 568]);
  const buttons = await Promise.all((await bar.getByRole("button").all()).map(box));
  equal(new Set(buttons.map(({ width }) => Math.round(width))).size, 1);
  ok(buttons.every(({ height }) => height >= 44));
  const start = await box(page.getByRole("button", { name: "New conversation" }));
  const last = await until(
    () =>
      page.locator(".conversations").evaluate((it) => {
        it.scrollTo({ top: it.scrollHeight, behavior: "instant" });
        return Math.max(...[...it.querySelectorAll(".item")].map((each) => each.getBoundingClientRect().bottom));
      }),
    (now) => now <= top,
  );
  ok(last <= top && start.bottom <= top);
  const list = page.locator(".conversations");
  const chats = bar.locator("[aria-current=page]");
  equal(await chats.locator(".icon + span").textContent(), "Chats");
  const unread = async () => Number((await chats.locator(".count > [aria-hidden]").allTextContents())[0] ?? 0);
  const before = await unread();
  await post("messages", "bob", { conversationId: ids[0], content: "Counted in the bar" });
  equal((await until(unread, (now) => now > before)) - before, 1);
  await bar.getByRole("button", { name: "Chats" }).tap();
  await until(() => list.evaluate((it) => it.scrollTop), (now) => now === 0);
  await page.setViewportSize({ width: 320, height: 480 });
  await becomes(async () => (await box(bar)).bottom <= (await box(list)).top, true);
  await page.setViewportSize({ width: 320, height: 568 });
  await conversations(page).last().tap();
  await page.locator(".back").waitFor();
  equal(await bar.isVisible(), false);
});

// A section's heading collapses it, and a long press opens its menu: the page shows no button for it.
test("A long press on the heading of a section opens its menu", [], async () => {
  const { id } = await prepare("Sectioned");
  await call("PATCH", `conversations/${id}/preferences`, "alice", { section: "Garden" });
  const page = await phoneAs("alice", { path: "/#/" });
  const heading = page.locator(".section-heading h2").getByRole("button", { name: /^Garden/ });
  await longPress(page, heading, "[role=menu]");
  deepEqual(await page.getByRole("menu").getByRole("menuitem").allTextContents(), ["Rename…", "Remove section"]);
  await page.goBack();
  await page.getByRole("menu").waitFor({ state: "detached" });
  equal(await heading.getAttribute("aria-expanded"), "true");
  await heading.tap();
  await listed(page, "Sectioned").waitFor({ state: "detached" });
});

// A panel fills the screen without a line at its side, and the fields of an offer are alike.
test("A panel has no line at its side and fields are alike", [], async () => {
  await prepare("Fields");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Fields");
  const panel = await IN_FRONT.details(page);
  await panel.waitFor();
  equal(await panel.evaluate((it) => getComputedStyle(it).borderInlineStartWidth), "0px");
  await page.goBack();
  await panel.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "More", exact: true }).tap();
  await page.getByRole("menuitem", { name: "Offers" }).tap();
  await page.getByRole("button", { name: "Make an offer" }).tap();
  const dialog = page.getByRole("dialog", { name: "Make an offer" });
  const looks = (it) => {
    const { color, fontSize, backgroundImage } = getComputedStyle(it);
    return { text: [color, fontSize], hasArrow: backgroundImage !== "none" };
  };
  const title = await dialog.getByLabel("Title").evaluate(looks);
  const chosen = await dialog.getByLabel("Currency").evaluate(looks);
  equal(String(title.text), String(chosen.text));
  equal(chosen.hasArrow, true);
});

// The sheet of a message that its author edits and deletes meanwhile.
test("The sheet of a message shows it as it is now", [], async () => {
  const { root } = await prepare("Changing");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Changing");
  await longPress(page, page.locator(".message").filter({ hasText: "The first one" }).first());
  const sheet = page.locator("dialog.sheet");
  const reactions = sheet.locator(".sheet-reactions");
  await reactions.waitFor();
  await call("PATCH", `messages/${root.id}`, "bob", { content: "The second one" });
  await sheet.getByText("The second one").waitFor();
  await call("DELETE", `messages/${root.id}`, "bob");
  await sheet.getByText("This message was deleted.").waitFor();
  equal(await reactions.count(), 0);
  equal(await sheet.locator(".sheet-action").count(), 0);
});

// Beside an open keyboard, all of the suggestions can be reached, and the button that sends is in sight.
test("Beside a keyboard suggestions can be reached and messages sent", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Low" });
  await post("messages", "bob", { conversationId: id, content: "Who is there?" });
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Low");
  await longPress(page, page.locator(".message").filter({ hasText: "Who is there?" }));
  await page.getByRole("dialog").getByRole("button", { name: "Reply", exact: true }).tap();
  await page.setViewportSize({ width: 844, height: 190 });
  await composer(page).fill("Two\nlines");
  const inside = ({ y, height }, bottom) => y >= 0 && y + height <= bottom;
  ok(inside(await page.getByRole("button", { name: "Send" }).boundingBox(), 190));
  await page.setViewportSize({ width: 320, height: 260 });
  await composer(page).pressSequentially("\n@");
  const list = page.getByRole("listbox", { name: "Members" });
  await list.waitFor();
  const options = list.getByRole("option");
  for (const option of [options.last(), options.first()]) {
    await option.scrollIntoViewIfNeeded();
    ok(inside(await option.boundingBox(), 260));
  }
});

// The microphone takes the place of the button to send: a tap too many on it records nothing.
test("A tap too many on the button to send records nothing", [], async () => {
  await prepare("Twice");
  const page = await phoneAs("alice", { permissions: ["microphone"] });
  await listed(page, "Twice").tap();
  await composer(page).fill("ok");
  const { x, y, width, height } = await page.locator(".composer .send").boundingBox();
  const tap = () => page.touchscreen.tap(x + width / 2, y + height / 2);
  for (let times = 0; times < 3; times++) await tap();
  await message(page, "ok").waitFor();
  await pause(500);
  // A machine without a microphone says so.
  const begun = page.locator(".recording, .voice-problem");
  equal(await begun.count(), 0);
  await pause(1_100);
  await tap();
  await begun.waitFor();
});
