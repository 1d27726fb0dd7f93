// The page on a phone: a touch screen of 390 pixels, and its Back button.
import {
  atEnd,
  call,
  composer,
  conversations,
  holdable,
  longPress,
  letters,
  listed,
  open,
  message,
  opened,
  pause,
  post,
  report,
  until,
  url,
  visit,
  visitAs,
} from "../browser.mjs";

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

// Back closes what is in front, and then leaves the conversation. Closing otherwise leaves no entry behind.
export async function back() {
  const { id } = await prepare("Back");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Back");
  await page.locator(".picture").first().waitFor();
  const start = await trail(page);
  const closed = {};
  for (const [name, show] of Object.entries(IN_FRONT)) {
    const shown = await show(page);
    await shown.waitFor();
    const entries = (await trailOf(page, start.length + 1)).length - start.length;
    await page.goBack();
    await shown.waitFor({ state: "detached" });
    closed[name] = { entries, left: (await trailOf(page, start.length)).length - start.length, isOpen: await composer(page).isVisible() };
  }
  // By its button, and by Escape.
  await IN_FRONT.details(page);
  await page.getByRole("button", { name: "Close" }).tap();
  const byButton = (await trailOf(page, start.length)).length - start.length;
  await IN_FRONT.viewer(page);
  await page.locator("dialog.viewer").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog.viewer").waitFor({ state: "detached" });
  const byEscape = (await trailOf(page, start.length)).length - start.length;
  await page.goBack();
  await conversations(page).first().waitFor();
  report("back", { closed, byButton, byEscape, at: await page.evaluate(() => location.hash), id });
}

// The same on its side, where the list is beside the conversation.
export async function backOnItsSide() {
  await prepare("Sideways");
  const page = await phoneAs("alice", { path: "/#/", viewport: { width: 844, height: 390 } });
  await open(page, "Sideways");
  // The beginning of the conversation would fill so low a screen.
  const above = (await page.locator("[role=log]").boundingBox()).y;
  const [{ y: line }] = await until(async () => [await page.locator(".unread-from").boundingBox()], ([{ y }]) => y - above < 100);
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
  const closed = {};
  for (const [name, show] of Object.entries(shows)) {
    const shown = await show();
    await shown.waitFor();
    const entries = (await trailOf(page, start.length + 1)).length - start.length;
    await page.goBack();
    await shown.waitFor({ state: "detached" });
    closed[name] = { entries, left: (await trailOf(page, start.length)).length - start.length, isOpen: await composer(page).isVisible() };
  }
  // From the choices of an item to the menu, and then out of it.
  const menu = await shows.menu();
  const choices = page.getByRole("menu", { name: "Do not disturb" });
  const levels = [];
  for (const back of [() => page.goBack(), () => choices.getByRole("menuitem", { name: "Do not disturb: back" }).tap()]) {
    await menu.getByRole("menuitemradio", { name: "Do not disturb" }).tap();
    await choices.waitFor();
    levels.push((await trailOf(page, start.length + 2)).length - start.length);
    await back();
    await menu.getByRole("menuitem", { name: "Settings" }).waitFor();
    levels.push((await trailOf(page, start.length + 1)).length - start.length);
  }
  await page.goBack();
  await menu.waitFor({ state: "detached" });
  report("back", { isUnreadInSight: line >= above, closed, levels, left: (await trailOf(page, start.length)).length - start.length });
}

// A reload with something in front shows the page without it, and Back leaves the page.
export async function reloaded() {
  await prepare("Reloaded");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Reloaded");
  const start = await trail(page);
  await (await IN_FRONT.details(page)).waitFor();
  await trailOf(page, start.length + 1);
  await page.reload();
  await opened(page, "Reloaded");
  const after = (await trailOf(page, start.length)).length - start.length;
  await page.goBack();
  await conversations(page).first().waitFor();
  report("reloaded", { after, at: await page.evaluate(() => location.hash) });
}

// What opens a conversation from something in front adds one entry, and Back from there shows nothing in front.
export async function onward() {
  const { id } = await prepare("Onward");
  await prepare("Elsewhere");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Onward");
  const start = (await trail(page)).length;
  const added = {};
  const settings = page.locator("dialog.settings");
  const home = async () => {
    await page.goBack();
    await opened(page, "Onward");
    added[`back, dialogs: ${Object.keys(added).at(-1)}`] = await page.locator("dialog[open], .panel").count();
  };

  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("Elsewhere");
  await page.getByRole("option").first().tap();
  await opened(page, "Elsewhere");
  added.switcher = (await trailOf(page, start + 1)).length - start;
  await home();

  await (await IN_FRONT["dialog of the sheet"](page)).waitFor();
  await page.locator(".targets label").filter({ hasText: "Elsewhere" }).first().tap();
  await page.getByRole("button", { name: "Forward to Elsewhere" }).tap();
  await page.locator(".toast").getByRole("button", { name: "Open" }).tap();
  await opened(page, "Elsewhere");
  added.forwarded = (await trailOf(page, start + 1)).length - start;
  await home();

  // In the conversation itself: from the search to the message.
  await (await IN_FRONT.search(page)).waitFor();
  await page.getByRole("searchbox").fill("first");
  await page.getByRole("searchbox").press("Enter");
  await page.locator(".panel").getByText("The first one").first().tap();
  await page.locator(".row.shown").waitFor();
  added.found = (await trailOf(page, start + 1)).length - start;
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
  const list = await page.evaluate(() => location.hash);
  report("onward", { added, list, id });
}

// The arrow above a conversation leads back to the list and adds no entry, also over several conversations; without a list
// below, the list takes the place of the conversation.
export async function arrow() {
  const first = await prepare("Arrow");
  const second = await prepare("Bow");
  const page = await phoneAs("alice", { path: "/#/" });
  const list = ["#/"];
  const back = async () => {
    await page.locator(".back").tap();
    await conversations(page).first().waitFor();
  };
  await open(page, "Arrow");
  await page.locator(".row").first().waitFor();
  await back();
  const once = await trail(page);
  await open(page, "Arrow");
  await page.locator(".row").first().waitFor();
  await page.evaluate((hash) => (location.hash = hash), `#/conversation/${second.id}`);
  await page.getByRole("heading", { name: "Bow" }).first().waitFor();
  const above = (await trail(page)).length;
  await back();
  const twice = await trail(page);
  const linked = await visit({ ...PHONE, path: `/#/conversation/${first.id}` });
  await linked.getByLabel("Another user ID").fill("alice");
  await linked.keyboard.press("Enter");
  await linked.locator(".row").first().waitFor();
  await linked.locator(".back").tap();
  await conversations(linked).first().waitFor();
  report("back", { once, above: above - list.length, twice, linked: await trail(linked) });
}

// From a message that was found in a conversation, Back leads to the results, then to the conversation and to the list.
export async function backToResults() {
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
  const text = await page.getByRole("searchbox").inputValue();
  await page.goBack();
  await page.locator(".panel").waitFor({ state: "detached" });
  await opened(page, "Results");
  await page.goBack();
  await listed(page, "Results").waitFor();
  report("results", { text, hash: await page.evaluate(() => location.hash) });
}

// A picture that is left by Back does not come up over the next conversation.
export async function picture() {
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
  report("picture", { dialogs: await page.locator("dialog[open]").count() });
}

// A tap on a message shows no buttons; the keyboard's focus does.
export async function tapped() {
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
  const byTap = await visible();
  await page.keyboard.press("ArrowUp");
  await all.nth(0).and(page.locator(":focus-visible")).waitFor();
  report("tapped", { byTap, byKey: await visible() });
}

// Where a finger hits what it aims at: of each button, link and field in sight, whether points 21 pixels from its middle
// belong to it, or to its label. Those at the edge of what scrolls are left out, and so are links in the middle of a text.
async function tooSmall(page, screen) {
  await page.evaluate(async () => {
    for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  });
  return (await page.evaluate(smallTargets)).map((each) => `${screen}: ${each}`);
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

export async function targets() {
  const { id, root } = await prepare("Targets");
  const answer = await post("messages", "alice", { conversationId: id, content: "Seen by @bob", replyToId: root.id });
  for (const [user, emoji] of [["bob", "👍"], ["carol", "🎉"]])
    await call("PUT", `messages/${answer.id}/reactions/${encodeURIComponent(emoji)}`, user);
  const page = await phoneAs("alice", { path: "/#/" });
  const small = [];
  const look = async (screen) => small.push(...(await tooSmall(page, screen)));
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
  report("looked", { small });
}

// Settings fill the screen, with all sections in sight, and what is around the page has the theme's colour.
export async function settings() {
  const page = await phoneAs("alice", { path: "/#/" });
  const color = () =>
    page.evaluate(() => [...document.querySelectorAll("meta[name=theme-color]")].find((each) => matchMedia(each.media).matches)?.content);
  const side = () => page.evaluate(() => getComputedStyle(document.querySelector(".sidebar")).backgroundColor);
  const bySystem = [await color(), await side()];
  await page.getByRole("button", { name: /^Your account/ }).tap();
  await page.getByRole("menuitem", { name: "Settings" }).tap();
  const dialog = page.locator("dialog.settings");
  await dialog.getByRole("tab").first().waitFor();
  await dialog.evaluate((it) => Promise.all(it.getAnimations().map(({ finished }) => finished)));
  const { x, y, width, height } = await dialog.boundingBox();
  const cut = await dialog.getByRole("tab").evaluateAll((tabs) =>
    tabs
      .filter((tab) => {
        const { left, right } = tab.getBoundingClientRect();
        return left < 0 || right > innerWidth || tab.scrollWidth > tab.clientWidth + 1;
      })
      .map((tab) => tab.textContent),
  );
  await dialog.getByRole("tab", { name: "Appearance" }).tap();
  await dialog.getByText("Dark", { exact: true }).tap();
  await until(color, (it) => it !== bySystem[0]);
  const chosen = [await color(), await side()];
  await page.reload();
  await conversations(page).first().waitFor();
  report("settings", { box: [x, y, width, height], cut, bySystem, chosen, reloaded: await color() });
}

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
export async function swiped({ reducedMotion, direction }) {
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
  const short = await swipe(page, row, -40 * side, 0, seenAt(row));
  const afterShort = await replying.count();
  await swipe(page, row, 80 * side, 0);
  const afterWrongWay = await replying.count();
  await swipe(page, page.locator(".message").filter({ has: page.locator(".gone") }), -80 * side, 0);
  const afterGone = await replying.count();
  // The list may return to its end afterwards.
  const highest = await page.locator(".scroller").evaluateHandle((it) => {
    const seen = { from: it.scrollTop, to: it.scrollTop };
    it.addEventListener("scroll", () => (seen.to = Math.min(seen.to, it.scrollTop)));
    return seen;
  });
  await swipe(page, row, -10 * side, 200);
  const scrolled = await until(() => highest.evaluate(({ from, to }) => from - to > 20), Boolean);
  const afterScroll = await replying.count();
  // By its text: rows that are drawn meanwhile may come before it.
  const name = await page.locator(".message .text").getByText(/^Row 5[0-9]$/).first().textContent();
  const older = page.locator(".message").filter({ hasText: name });
  await older.click({ trial: true });
  const far = await swipe(page, older, -80 * side, 3, seenAt(older));
  await replying.waitFor({ timeout: 10_000 });
  report("swiped", {
    short,
    far,
    scrolled,
    early: afterShort + afterWrongWay + afterGone + afterScroll,
    replying: await replying.textContent(),
    left: await page.locator(".swipe-arrow, [data-swipe]").count(),
  });
}

// Back ends a search of the list, the archive, and the choice of unread conversations, before it leaves the page. What is
// opened from there leads back to it.
export async function lists() {
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
  const seen = {};
  for (const [name, { open: show, isOpen }] of Object.entries(ways)) {
    await show();
    const entries = (await trailOf(page, start + 1)).length - start;
    await page.locator(".conversations a").first().tap();
    await page.locator(".back").waitFor();
    await page.goBack();
    await conversations(page).first().waitFor();
    await trailOf(page, start + 1);
    const isKept = await isOpen();
    await page.goBack();
    const isClosed = !(await until(isOpen, (it) => !it));
    seen[name] = { entries, isKept, isClosed, left: (await trailOf(page, start)).length - start };
  }
  report("lists", { seen, at: await page.evaluate(() => location.hash) });
}

// A finger that stays on a row of the list opens its menu, and no conversation.
export async function pressed() {
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
  const menus = await page.getByRole("menu").count();
  const at = await page.evaluate(() => location.hash);
  await item.tap();
  await page.getByText("Undo", { exact: true }).waitFor();
  report("pressed", { menus, at });
}

// What a finger opens to search in shows what there is, without a keyboard in front of it.
export async function searching() {
  const page = await phoneAs("alice", { path: "/#/" });
  const focus = {};
  for (const name of ["People", "Browse public conversations"]) {
    await page.locator(".side-buttons").getByRole("button", { name, exact: true }).tap();
    await page.getByRole("dialog").getByRole("searchbox").or(page.getByRole("dialog").getByRole("combobox")).waitFor();
    focus[name] = await page.evaluate(() => document.activeElement.localName);
    await page.goBack();
    await page.locator("dialog").waitFor({ state: "detached" });
  }
  // A button that was pressed looks as before.
  const button = page.getByRole("button", { name: "People", exact: true });
  const grey = await button.evaluate((it) => it.matches(":hover") && getComputedStyle(it).backgroundColor);
  await page.getByRole("searchbox").evaluate((it) => it.focus());
  const before = await button.evaluate((it) => getComputedStyle(it).backgroundColor);
  await page.getByRole("button", { name: /^Your account/ }).tap();
  await page.getByRole("menuitem", { name: "Settings" }).waitFor();
  const shortcuts = await page.getByRole("menuitem", { name: "Keyboard shortcuts" }).count();
  report("searching", { shortcuts, focus, hovered: grey === false ? before : grey, before });
}

// The field is wide, keeps the focus and with it the keyboard, and its buttons are behind another one.
export async function writing() {
  await prepare("Writing");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Writing");
  const box = page.locator(".composer .box");
  const button = (name) => page.locator(".composer").getByRole("button", { name, exact: true });
  const shares = {};
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 844 });
    shares[width] = (await composer(page).boundingBox()).width / width;
  }
  const folded = await button("Attach files").isVisible();
  await composer(page).tap();
  await page.keyboard.type("By touch");
  const focus = {};
  const note = async (name) => {
    focus[name] = await page.evaluate(() => document.activeElement.localName);
  };
  await button("Send").tap();
  await page.locator(".message .text").getByText("By touch", { exact: true }).waitFor();
  await note("send");
  await unfold(page);
  await note("more");
  const names = await box.locator("> button:visible").evaluateAll((all) => all.map((it) => it.getAttribute("aria-label")));
  await button("Formatting").tap();
  await note("formatting");
  await page.getByRole("toolbar", { name: "Formatting" }).getByRole("button", { name: /^Bold/ }).tap();
  await note("bold");
  await button("Emoji").tap();
  const emoji = page.locator(".emoji-popup");
  await emoji.getByRole("gridcell").first().waitFor();
  await note("emoji popup");
  await emoji.getByRole("gridcell").first().tap();
  await emoji.waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement.localName === "textarea").catch(() => undefined);
  await note("emoji");
  await button("Formatting").tap();
  await button("Send").tap();
  const hidden = await until(() => button("Attach files").isHidden(), (is) => is);
  report("writing", { shares, folded, focus, names, hidden });
}

// A picture of this size, drawn by the page.
// Uploads a picture of one colour.
export async function drawn(page, name, width, height, user = "bob") {
  const bytes = await page.evaluate(
    async ([wide, high]) => {
      const canvas = new OffscreenCanvas(wide, high);
      const context = canvas.getContext("2d");
      context.fillStyle = "teal";
      context.fillRect(0, 0, wide, high);
      return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
    },
    [width, height],
  );
  const form = new FormData();
  form.append("file", new Blob([Uint8Array.from(bytes)], { type: "image/png" }), name);
  return (await fetch(`${url}/api/v1/files?userId=${user}`, { method: "POST", body: form })).json();
}

// A finger turns over the pictures, closes them, and enlarges one where it taps twice.
export async function pictures({ direction }) {
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
  const dragged = await swipe(page, frame, -90 * side, 4, () => frame.locator("img").evaluate((it) => getComputedStyle(it).translate));
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
  const byButton = await middle();
  await viewer.getByRole("button", { name: "Fit to window" }).tap();
  const box = await viewer.locator("img").boundingBox();
  const at = { x: box.x + box.width * 0.25, y: box.y + box.height * 0.5 };
  const tapTwice = async () => {
    await page.touchscreen.tap(at.x, at.y);
    await page.touchscreen.tap(at.x, at.y);
  };
  await tapTwice();
  await viewer.and(page.locator(".original")).waitFor();
  const below = await viewer.locator("img").evaluate(
    (it, { x, y }) => {
      const { left, top, width, height } = it.getBoundingClientRect();
      return [(x - left) / width, (y - top) / height].map((part) => Math.round(part * 100) / 100);
    },
    at,
  );
  // A finger scrolls now.
  await swipe(page, frame, -90 * side, 4);
  const stays = await viewer.getByRole("img", { name: "first.png" }).count();
  await tapTwice();
  await page.locator("dialog.viewer:not(.original)").waitFor();
  await swipe(page, frame, 3, 90);
  await viewer.waitFor({ state: "detached" });
  report("pictures", { dragged, byButton, below, stays });
}

// With the keyboard of a phone up, who is searched for is in sight, and so is the end of the form at its size.
export async function grouping() {
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
  const seen = [];
  for (const name of ["bob", "carol", "dave"]) {
    await find.tap();
    await page.keyboard.type(name);
    const option = page.locator(".found [role=option]").getByText(name, { exact: true });
    await option.waitFor();
    await page.evaluate(() => new Promise(requestAnimationFrame));
    seen.push([await inSight(find), await inSight(page.locator(".found [role=option]").first())]);
    await option.tap();
    await page.locator(".chosen").getByText(name).waitFor();
    seen.at(-1).push(await inSight(find));
  }
  await page.setViewportSize({ width: 320, height: 560 });
  await page.getByLabel("Group name").fill("Three of us");
  const action = page.getByRole("button", { name: "Create", exact: true });
  await action.scrollIntoViewIfNeeded();
  const isReachable = await inSight(action);
  await action.tap();
  await opened(page, "Three of us");
  report("grouping", { seen, isReachable });
}

// The offer of notifications is one row of buttons below the list, in each language.
export async function offer() {
  const rows = {};
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
    const { height } = await line.boundingBox();
    rows[locale] = { isOneRow: new Set(buttons).size === 1, isLow: height < 60 };
  }
  report("offered", rows);
}

// A tap outside of what is open closes it, and does nothing else.
// A toast is above the message field, also when that grows, and covers no message.
export async function toastAbove() {
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
  const short = await gap();
  const covered = async () => {
    const it = await toast.boundingBox();
    const last = await page.locator(".conversation .message").last().boundingBox();
    return last.y + last.height > it.y;
  };
  const isCovered = await until(covered, (now) => !now);
  const buttons = await toast.getByRole("button").evaluateAll((all) => all.map((it) => it.getBoundingClientRect().top));
  const { height } = await page.locator(".composer").boundingBox();
  await composer(page).fill(Array.from({ length: 9 }, (_, line) => `Line ${line}`).join("\n"));
  await until(async () => (await page.locator(".composer").boundingBox()).height, (now) => now > height + 60);
  const long = await until(gap, (now) => now >= 0 && now < 30);
  await toast.getByRole("button", { name: "Close" }).tap();
  await toast.waitFor({ state: "detached" });
  report("toasts", { short: short >= 0, long: long >= 0 && long < 30, isCovered, isOneLine: buttons[1] - buttons[0] < 10 });
}

export async function tappedOutside() {
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
  const list = await page.evaluate(() => location.hash);
  await open(page, "Outside");
  const replies = page.locator(".replies").first();
  await replies.waitFor();
  await unfold(page);
  await page.locator(".composer").getByRole("button", { name: "Emoji", exact: true }).tap();
  const popup = page.locator(".emoji-popup");
  await popup.getByRole("gridcell").first().waitFor();
  const { x, width } = await popup.boundingBox();
  const right = await popup.evaluate((it) => Math.max(...[...it.querySelectorAll("fieldset, div")].map((each) => each.getBoundingClientRect().right)));
  const reach = await replies.boundingBox();
  await page.touchscreen.tap(reach.x + reach.width / 2, reach.y + reach.height / 2);
  await popup.waitFor({ state: "detached" });
  const panels = await page.locator(".panel").count();
  await replies.tap();
  await page.getByRole("main", { name: /^Thread/ }).waitFor();
  report("outside", { list, panels, fits: x >= 0 && x + width <= 390 && right <= x + width});
}

// On a small screen with a long draft, the whole picker is in sight.
export async function emojiOnASmallScreen() {
  await prepare("Small");
  const page = await phoneAs("alice", { path: "/#/", viewport: { width: 320, height: 640 } });
  await open(page, "Small");
  await composer(page).fill("One line\n".repeat(12));
  await unfold(page);
  await page.locator(".composer").getByRole("button", { name: "Emoji", exact: true }).tap();
  const popup = page.locator(".emoji-popup");
  await popup.getByRole("gridcell").first().waitFor();
  const { y, height } = await popup.boundingBox();
  report("small", { isWhole: y >= 0 && y + height <= 640 });
}

// The sheet of a message has all emoji.
export async function reacting() {
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
  report("reacted");
}

// A finger pulls the sheet of a message away. One that stops before leaves it open, and a tap on its bar closes it.
export async function pulled() {
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
  report("pulled");
}

// A message that slow mode delays: a long press on it opens what can be done with it.
export async function waiting() {
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
  const names = await buttons.allTextContents();
  const heights = await buttons.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().height));
  await buttons.filter({ hasText: "Edit" }).tap();
  const field = await until(() => composer(page).inputValue(), (value) => value !== "");
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  report("waiting", { names, small: heights.filter((height) => height < 44), field, letters: await letters(page).count(), isWide });
}

// The button that starts a conversation is at the lower end corner of the list, where a toast and the last row leave it
// free. It is not above an open conversation, and a wide window has it in the bar.
export async function startButton() {
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
  const place = await gaps();
  await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
  const rightToLeft = await gaps();
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
  await start.tap();
  await page.getByRole("dialog", { name: "New conversation" }).waitFor();
  await page.goBack();
  await conversations(page).last().tap();
  await page.locator(".back").waitFor();
  const inConversation = await start.isVisible();
  await page.goBack();
  await page.setViewportSize({ width: 844, height: 390 });
  const wide = await until(gaps, ({ top }) => top < 52);
  const corner = ({ size, left, right, below }) => ({ size, left: Math.round(left), right: Math.round(right), below: Math.round(below) });
  report("start", {
    place: corner(place),
    rightToLeft: corner(rightToLeft),
    isFree: toast <= place.top && last <= place.top,
    inConversation,
    wide: wide.size,
  });
}

// Threads, people and public conversations are in a bar at the lower edge of the list, below the last row. It is not above
// an open conversation, and beside a keyboard the buttons are above the list.
export async function lowerBar() {
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
  const buttons = await Promise.all((await bar.getByRole("button").all()).map(box));
  const start = await box(page.getByRole("button", { name: "New conversation" }));
  const last = await until(
    () =>
      page.locator(".conversations").evaluate((it) => {
        it.scrollTo({ top: it.scrollHeight, behavior: "instant" });
        return Math.max(...[...it.querySelectorAll(".item")].map((each) => each.getBoundingClientRect().bottom));
      }),
    (now) => now <= top,
  );
  const list = page.locator(".conversations");
  const chats = bar.locator("[aria-current=page]");
  const here = await chats.locator(".icon + span").textContent();
  const unread = async () => Number((await chats.locator(".count > [aria-hidden]").allTextContents())[0] ?? 0);
  const before = await unread();
  await post("messages", "bob", { conversationId: ids[0], content: "Counted in the bar" });
  const counted = (await until(unread, (now) => now > before)) - before;
  await bar.getByRole("button", { name: "Chats" }).tap();
  await until(() => list.evaluate((it) => it.scrollTop), (now) => now === 0);
  await page.setViewportSize({ width: 320, height: 480 });
  const isAbove = await until(async () => (await box(bar)).bottom <= (await box(list)).top, Boolean);
  await page.setViewportSize({ width: 320, height: 568 });
  await conversations(page).last().tap();
  await page.locator(".back").waitFor();
  report("bar", {
    place: [left, right, bottom],
    widths: new Set(buttons.map(({ width }) => Math.round(width))).size,
    isHigh: buttons.every(({ height }) => height >= 44),
    isFree: last <= top && start.bottom <= top,
    here,
    counted,
    isAbove,
    inConversation: await bar.isVisible(),
  });
}

// A section's heading collapses it, and a long press opens its menu: the page shows no button for it.
export async function sectionMenu() {
  const { id } = await prepare("Sectioned");
  await call("PATCH", `conversations/${id}/preferences`, "alice", { section: "Garden" });
  const page = await phoneAs("alice", { path: "/#/" });
  const heading = page.locator(".section-heading h2").getByRole("button", { name: /^Garden/ });
  await longPress(page, heading, "[role=menu]");
  const choices = await page.getByRole("menu").getByRole("menuitem").allTextContents();
  await page.goBack();
  await page.getByRole("menu").waitFor({ state: "detached" });
  const isOpen = await heading.getAttribute("aria-expanded");
  await heading.tap();
  await listed(page, "Sectioned").waitFor({ state: "detached" });
  report("section", { choices, isOpen });
}

// A panel fills the screen without a line at its side, and the fields of an offer are alike.
export async function fields() {
  await prepare("Fields");
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Fields");
  const panel = await IN_FRONT.details(page);
  await panel.waitFor();
  const line = await panel.evaluate((it) => getComputedStyle(it).borderInlineStartWidth);
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
  report("fields", { line, isAlike: String(title.text) === String(chosen.text), hasArrow: chosen.hasArrow });
}

// The sheet of a message that its author edits and deletes meanwhile.
export async function changing() {
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
  report("changed", { reactions: await reactions.count(), actions: await sheet.locator(".sheet-action").count() });
}

// Beside an open keyboard, all of the suggestions can be reached, and the button that sends is in sight.
export async function besideTheKeyboard() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Low" });
  await post("messages", "bob", { conversationId: id, content: "Who is there?" });
  const page = await phoneAs("alice", { path: "/#/" });
  await open(page, "Low");
  await longPress(page, page.locator(".message").filter({ hasText: "Who is there?" }));
  await page.getByRole("dialog").getByRole("button", { name: "Reply", exact: true }).tap();
  await page.setViewportSize({ width: 844, height: 190 });
  await composer(page).fill("Two\nlines");
  const inside = ({ y, height }, bottom) => y >= 0 && y + height <= bottom;
  const sends = inside(await page.getByRole("button", { name: "Send" }).boundingBox(), 190);
  await page.setViewportSize({ width: 320, height: 260 });
  await composer(page).pressSequentially("\n@");
  const list = page.getByRole("listbox", { name: "Members" });
  await list.waitFor();
  const options = list.getByRole("option");
  const ends = {};
  for (const [name, option] of [["last", options.last()], ["first", options.first()]]) {
    await option.scrollIntoViewIfNeeded();
    ends[name] = inside(await option.boundingBox(), 260);
  }
  report("low", { sends, ...ends });
}

// The microphone takes the place of the button to send: a tap too many on it records nothing.
export async function tapped_twice() {
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
  const atOnce = await begun.count();
  await pause(1_100);
  await tap();
  await begun.waitFor();
  report("tapped", { atOnce });
}
