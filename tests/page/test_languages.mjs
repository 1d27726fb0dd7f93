// The page in other languages and directions, under another name, and on phones.
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { loadAxe, RULES } from "./axe.mjs";
import { atEnd, call, conversations, LOST, post, until, url, visit, write } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

const MAYA = "Maya Lindgren";
const HERON = "/#/conversation/heron-launch";

const languageOf = (page) => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const heading = (page, name) => page.getByRole("heading", { name, exact: true });

// Runs in the page. How many lines of text are as high as an element.
const linesOf = (it) => it.clientHeight / Number.parseFloat(getComputedStyle(it).lineHeight);

async function enter(page) {
  await page.getByRole("button", { name: MAYA }).click();
  await conversations(page).first().waitFor();
}

async function openHeron(page) {
  await page.goto(`${url}${HERON}`);
  await page.locator(".message").first().waitFor();
}

// The demo's last messages are of yesterday for a while after midnight.
async function writeToday(page) {
  await write(page.locator(".composer").getByRole("textbox"), "Ein Satz von heute");
  await page.locator(".message").filter({ hasText: "Ein Satz von heute" }).waitFor();
}

async function passesRules(page) {
  await loadAxe(page);
  const found = await page.evaluate(async (tags) => {
    const options = { runOnly: { type: "tag", values: tags }, rules: { region: { enabled: false } } };
    const { violations } = await window.axe.run(options);
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`);
  }, RULES);
  deepEqual(found, []);
}

// A browser in German: every text, the dates, what the server refuses, and axe on the main screens.
test("A browser in German shows everything in German", [], async () => {
  const page = await visit({ locale: "de-AT", expected: /401/ });
  await page.getByRole("textbox", { name: "E-Mail-Adresse" }).fill("nobody@example.com");
  await page.getByLabel("Passwort").fill("wrong password");
  await page.getByRole("button", { name: "Anmelden", exact: true }).click();
  const refused = page.getByText("Die Angaben zur Anmeldung stimmen nicht.");
  await refused.waitFor();
  await passesRules(page);
  await enter(page);
  await openHeron(page);
  await writeToday(page);
  deepEqual(await languageOf(page), ["de", "ltr"]);
  const days = await page.locator(".day").allTextContents();
  ok(days.includes("heute"), String(days));
  await passesRules(page);
  await page.getByRole("button", { name: "Details" }).click();
  await page.locator(".panel").getByRole("heading", { name: /Mitglieder/ }).waitFor();
  await passesRules(page);
  await page.getByRole("button", { name: "Schließen" }).first().click();
  await page.getByRole("button", { name: /^Dein Konto/ }).click();
  await page.getByRole("menuitem", { name: "Einstellungen" }).click();
  for (const name of ["Profil", "Darstellung", "Benachrichtigungen", "Geräte", "Privatsphäre", "Konto"]) {
    await page.getByRole("tab", { name, exact: true }).click();
    await page.getByRole("tabpanel", { name, exact: true }).waitFor();
    await passesRules(page);
  }
});

// A choice holds in this browser, and what was written before it is still there.
test("A chosen language stays and keeps what was written", [], async () => {
  const page = await visit();
  await enter(page);
  await openHeron(page);
  await page.locator(".conversation .composer textarea").fill("half a sentence");
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Appearance", exact: true }).click();
  const options = await page.getByLabel("Language").locator("option").allTextContents();
  deepEqual(options, ["The browser's language", "English", "Deutsch", "Español", "Français"]);
  await page.getByLabel("Language").selectOption("fr");
  await page.getByRole("button", { name: "Envoyer", exact: true }).waitFor();
  equal(await page.locator(".conversation .composer textarea").inputValue(), "half a sentence");
  await page.reload();
  await page.getByRole("button", { name: "Envoyer", exact: true }).waitFor();
  deepEqual(await languageOf(page), ["fr", "ltr"]);
  equal(await page.locator(".said-by").filter({ hasText: "Vous" }).first().textContent(), "Vous\u00a0: ");
  // The address has the last word, as in a frame.
  const given = await page.context().newPage();
  await given.goto(`${url}/?language=es`);
  await given.getByRole("button", { name: /Iniciar sesión/ }).first().waitFor();
  deepEqual(await languageOf(given), ["es", "ltr"]);
});

// Emoji are found by the words of the reader's language, and by their English names.
test("Emoji are found by the words of the language", [], async () => {
  const page = await visit({ locale: "de" });
  await enter(page);
  await openHeron(page);
  await page.locator(".composer").getByRole("button", { name: "Emoji" }).click();
  const search = page.getByRole("searchbox", { name: "Emoji suchen" });
  const cells = page.locator(".emoji-popup").getByRole("gridcell");
  await cells.first().waitFor();
  for (const words of ["rakete", "rocket"]) {
    await search.fill(words);
    const found = await until(() => cells.allTextContents(), (all) => all.includes("🚀"));
    ok(found.includes("🚀"), `${words}: ${found}`);
  }
});

// Without a translation that runs from right to left, the direction is forced here.
test("The page runs from right to left", [], async () => {
  for (const viewport of [{ width: 1100, height: 700 }, { width: 320, height: 560 }]) {
    const page = await visit({ viewport });
    await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
    await enter(page);
    equal(await overflow(page), 0);
    await page.evaluate(() => void (location.hash = "#/conversation/heron-launch"));
    await page.locator(".message").first().waitFor();
    // A narrow window shows the button to send only beside a text.
    await page.locator(".composer textarea").fill("Text");
    equal(await overflow(page), 0);
    const isInRightHalf = (it) => it.getBoundingClientRect().left > innerWidth / 2;
    const isInLeftHalf = (it) => it.getBoundingClientRect().left < innerWidth / 2;
    ok(await page.locator(".message .face").first().evaluate(isInRightHalf));
    const send = page.locator(".composer [type=submit], .composer .send, .composer button:last-of-type").first();
    ok(await send.evaluate(isInLeftHalf));
    const arrow = page.locator(".lucide-send-horizontal").first();
    equal(await arrow.evaluate((it) => getComputedStyle(it).transform), "matrix(-1, 0, 0, 1, 0, 0)");
  }
});

// The longest words fit on the smallest screen.
test("The longest words fit on the smallest screen", [], async () => {
  for (const locale of ["de", "es", "fr"]) {
    const page = await visit({ locale, viewport: { width: 320, height: 560 } });
    await page.getByRole("button", { name: MAYA }).waitFor();
    const all = [await overflow(page)];
    await enter(page);
    all.push(await overflow(page));
    await page.locator(".sidebar header button").first().click();
    await page.getByRole("menuitem").nth(-3).click();
    const tabs = page.locator("dialog.settings [role=tab]");
    await tabs.first().waitFor();
    for (const tab of await tabs.all()) {
      await tab.click();
      const panel = page.getByRole("tabpanel", { name: await tab.textContent(), exact: true });
      all.push(await panel.evaluate((it) => it.scrollWidth - it.clientWidth));
    }
    await page.keyboard.press("Escape");
    await openHeron(page);
    all.push(await overflow(page));
    // What is narrower than its place has a negative value.
    equal(Math.max(...all), 0, `${locale}: ${all}`);
  }
});

const FILES = { en: "Files", de: "Dateien", es: "Archivos", fr: "Fichiers" };

// What stands side by side has room there, in all languages: the buttons above a phone's list, choices, tabs, and the
// line about the connection.
test("Buttons, choices and tabs have room side by side in all languages", [], async () => {
  for (const [locale, files] of Object.entries(FILES)) {
    const page = await visit({ locale, expected: LOST });
    const measure = async (what, selector, isBroken) => {
      for (const width of [1280, 1000, 360]) {
        await page.setViewportSize({ width, height: 700 });
        const found = page.locator(selector).locator("visible=true");
        await found.first().waitFor();
        const place = `${locale} ${width}: ${what}`;
        for (const each of await found.all()) equal(await each.evaluate(isBroken), false, place);
      }
    };
    await enter(page);
    await measure("buttons", ".side-buttons", (it) => {
      const tops = new Set([...it.children].map((button) => Math.round(button.getBoundingClientRect().top)));
      const texts = [...it.querySelectorAll("button > span:not(.count)")];
      return (innerWidth <= 700 && tops.size > 1) || texts.some((text) => text.scrollWidth > text.clientWidth);
    });
    const lastAlone = (it) => {
      const tops = [...it.querySelectorAll("label")].map((label) => Math.round(label.getBoundingClientRect().top));
      const inRow = (top) => tops.filter((each) => each === top).length;
      return it.scrollWidth > it.clientWidth || inRow(tops.at(-1)) < inRow(tops[0]);
    };
    await page.locator(".sidebar .start-button").click();
    await measure("ways", ".new-place", (it) => it.scrollWidth > it.clientWidth);
    await page.keyboard.press("Escape");
    await page.locator(".sidebar header button").first().click();
    await page.getByRole("menuitem").nth(-3).click();
    await page.getByRole("tab").nth(1).click();
    await measure("themes", "dialog .choice", lastAlone);
    await page.keyboard.press("Escape");
    await openHeron(page);
    await page.setViewportSize({ width: 1280, height: 700 });
    await page.getByRole("button", { name: files, exact: true }).click();
    await measure("tabs", ".tabs", (it) => it.scrollWidth > it.clientWidth || it.clientHeight > 60);
    await page.keyboard.press("Escape");
    await page.context().setOffline(true);
    await page.locator(".conversation .connection").waitFor();
    const lines = await page.locator(".conversation .connection").evaluate(linesOf);
    ok(lines < 2, `${locale}: the line about the connection has ${lines} lines`);
  }
});

// The operator's name, sentence and logo.
test("An operator gives the page a name, a sentence and a logo", ["branded_server"], async () => {
  const page = await visit();
  await heading(page, "Fernhill").waitFor();
  const logo = await page.locator(".entrance .logo").evaluate(async (it) => {
    await it.decode();
    return it.src.replace(location.origin, "");
  });
  equal(logo, "/web-logo");
  equal(await page.getByText("Where we talk.").count(), 1);
  await enter(page);
  await conversations(page).first().waitFor();
  match(await until(() => page.title(), (title) => title.includes("(")), /\) Fernhill$/);
});

// Without an address, the conversation that was opened last opens; the list's own address, and phones, show the list.
test("The last conversation opens again on wide screens", [], async () => {
  const page = await visit();
  await enter(page);
  await openHeron(page);
  await page.goto("about:blank");
  await page.goto(url);
  await heading(page, "Heron launch").waitFor();
  equal(new URL(page.url()).hash, "#/conversation/heron-launch");
  await page.goto(`${url}/#/`);
  await page.reload();
  await conversations(page).first().waitFor();
  equal(await page.locator(".conversation").count(), 0);
  await page.setViewportSize({ width: 390, height: 700 });
  await page.goto("about:blank");
  await page.goto(url);
  await conversations(page).first().waitFor();
  equal(await page.locator(".conversation").count(), 0);
});

// Puts a finger on a message, where the list rests. `by`: how far it moves then, before the press is a long one however
// busy the machine is. Returns how to lift it.
const press = async (page, cdp, at, by) => {
  await atEnd(page);
  const box = await at.boundingBox();
  const touch = (type, ...touchPoints) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints });
  const [x, y] = [box.x + 40, box.y + 8];
  await Promise.all([touch("touchStart", { x, y }), by && touch("touchMove", { x, y: y + by })]);
  return { lift: () => touch("touchEnd") };
};

// A long press on a message opens its actions, and selects nothing.
test("A long press on a message opens its actions", [], async () => {
  const page = await visit({ viewport: { width: 390, height: 700 }, hasTouch: true, isMobile: true });
  await enter(page);
  await openHeron(page);
  notEqual(await page.evaluate(() => document.activeElement.tagName), "TEXTAREA");
  const fontSize = (it) => Number.parseFloat(getComputedStyle(it).fontSize);
  for (const each of await page.locator("input, textarea").all()) ok((await each.evaluate(fontSize)) >= 16);
  const cdp = await page.context().newCDPSession(page);
  const text = page.locator(".message .text").last();
  const sheet = page.getByRole("dialog", { name: "Message actions" });
  // A finger that scrolls opens nothing.
  const scrolling = await press(page, cdp, text, -40);
  await page.waitForTimeout(700);
  await scrolling.lift();
  equal(await sheet.count(), 0);
  const pressing = await press(page, cdp, text);
  await sheet.waitFor();
  await pressing.lift();
  const actions = await sheet.getByRole("listitem").allTextContents();
  for (const action of ["Reply", "Copy text", "Forward"]) ok(actions.includes(action), String(actions));
  equal(await page.evaluate(() => String(getSelection())), "");
  equal(await sheet.evaluate((it) => Math.round(innerHeight - it.getBoundingClientRect().bottom)), 0);
  await sheet.getByRole("button", { name: "React with 🎉" }).click();
  await page.locator(".reactions").getByRole("button", { name: "🎉, 1" }).waitFor();
  const again = await press(page, cdp, text);
  await sheet.waitFor();
  await again.lift();
  await sheet.getByRole("button", { name: "Reply", exact: true }).click();
  await page.getByText("Replying to").waitFor();
  equal(await sheet.count(), 0);
});

// The sheet of one's own message on the narrowest phone, in each language: the rows of its groups, their words and its
// reactions.
test("The sheet of a message has room for its words in every language", [], async () => {
  const expected = { groups: [3, 6, 1], leaves: [], small: [], reactions: true, mine: ["🎉"], last: true };
  // The page would open where the unread messages begin, and stay there.
  await post("conversations/heron-launch/read", "ines", {});
  for (const locale of ["en-GB", "de-DE", "es-ES", "fr-FR"]) {
    const page = await visit({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true, locale });
    await page.getByRole("button", { name: "Ines Okafor" }).click();
    await conversations(page).first().waitFor();
    await openHeron(page);
    const content = `Said in ${locale}`;
    const { id } = await post("messages", "ines", { conversationId: "heron-launch", content });
    await call("PUT", `messages/${id}/reactions/${encodeURIComponent("🎉")}`, "ines");
    const posted = page.locator(".message .text").getByText(content);
    await posted.waitFor();
    const cdp = await page.context().newCDPSession(page);
    const pressing = await press(page, cdp, posted);
    await page.locator("dialog.sheet").waitFor();
    await pressing.lift();
    await page.locator(".sheet-reactions [aria-pressed=true]").waitFor();
    deepEqual({ locale, ...(await page.evaluate(placesInSheet)) }, { locale, ...expected });
  }
});

// How many rows each group has, the words that leave their rows, what is smaller than a finger, whether all reactions
// are on the screen, the one that is the reader's, and whether the last row can be reached.
function placesInSheet() {
  const rows = [...document.querySelectorAll(".sheet-action")];
  const groups = [0];
  for (const row of rows) {
    if (row.parentElement.matches(".sheet-group")) groups.push(0);
    groups[groups.length - 1]++;
  }
  const leaves = rows.filter((row) => {
    const range = document.createRange();
    range.selectNodeContents(row);
    const { left, right, top, bottom } = row.getBoundingClientRect();
    const isOutside = (it) => it.left < left || it.right > right || it.top < top || it.bottom > bottom;
    return [...range.getClientRects()].some(isOutside);
  });
  const reactions = [...document.querySelectorAll(".sheet-reactions button")];
  const places = reactions.map((each) => each.getBoundingClientRect());
  const small = [...rows, ...reactions].filter((each) => {
    const { width, height } = each.getBoundingClientRect();
    return width < 44 || height < 44;
  });
  const body = document.querySelector(".sheet > .dialog-body");
  body.scrollTo({ top: body.scrollHeight, behavior: "instant" });
  return {
    groups,
    leaves: leaves.map((row) => row.textContent),
    small: small.map((each) => each.textContent),
    reactions: places.every(({ left, right }) => left >= 0 && right <= innerWidth),
    mine: reactions.filter((each) => each.ariaPressed === "true").map((each) => each.textContent),
    last: rows.at(-1).getBoundingClientRect().bottom <= innerHeight,
  };
}

// Words are whole in each language: above the list of a phone, where threads have unread replies, in settings, in fields
// and in the line of a thread.
test("The words above the list of a phone are whole", [], async () => {
  const root = await post("messages", "tomas", { conversationId: "heron-launch", content: "Who counts?" });
  await post("messages", "ines", { conversationId: "heron-launch", content: "I do", threadId: root.id });
  for (const locale of ["en-GB", "de-DE", "es-ES", "fr-FR"]) {
    for (const width of [320, 390]) {
      const page = await visit({ viewport: { width, height: 640 }, hasTouch: true, isMobile: true, locale });
      await page.getByRole("button", { name: "Tomas Reyes" }).click();
      await page.locator(".side-button.unread").waitFor();
      const words = page.locator(".side-button > :nth-child(2)");
      const cut = await words.evaluateAll((all) =>
        all.filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.textContent),
      );
      await page.locator(".sidebar header button").first().click();
      await page.getByRole("menuitem").filter({ has: page.locator(".lucide-settings") }).click();
      for (const tab of await page.getByRole("tab").all()) {
        await tab.click();
        cut.push(...(await tab.and(page.locator("[aria-selected=true]")).evaluateAll(wordsInLines)));
        if (await tab.evaluate((it) => it.scrollWidth > it.clientWidth)) cut.push(await tab.textContent());
      }
      await page.keyboard.press("Escape");
      await page.locator(".start-button:visible").click();
      await page.locator("dialog input").first().waitFor();
      cut.push(...(await page.locator("dialog input").evaluateAll(cutPlaceholders)));
      await page.keyboard.press("Escape");
      await openHeron(page);
      const line = page.locator(".replies").last();
      await line.waitFor();
      if ((await line.boundingBox()).height > 40) cut.push("replies");
      // A longer hint ends with an ellipsis.
      const field = page.locator(".composer textarea");
      const hint = await field.evaluate((it) => it.scrollWidth > it.clientWidth && it.placeholder);
      if (hint) cut.push(hint);
      await page.locator(".composer .unfold").click();
      const grounds = await page.locator(".composer .unfold").evaluate((it) => getComputedStyle(it).backgroundColor);
      if (grounds !== "rgba(0, 0, 0, 0)") cut.push("unfold");
      deepEqual(cut, [], `${locale} ${width}: ${cut}`);
      await page.context().close();
    }
  }
});

// Runs in the page. The placeholders that have less room than they need.
function cutPlaceholders(fields) {
  const pen = document.createElement("canvas").getContext("2d");
  return fields
    .filter((field) => {
      const { font, paddingLeft, paddingRight } = getComputedStyle(field);
      pen.font = font;
      const room = field.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
      return pen.measureText(field.placeholder).width > room;
    })
    .map((field) => field.placeholder);
}

const DETAILS = { en: "Details", de: "Details", es: "Detalles", fr: "Détails" };

// What has little room in the details of a group, in each language: the words of the buttons at the top, the reason of
// a ban, and what new members see.
test("The details of a group have room for their words in every language", [], async () => {
  const group = { kind: "group", memberIds: ["ines", "jonah"], name: "Little room" };
  const { id } = await post("conversations", "maya", group);
  const banReason = "Sold bicycles that were not his, and did not answer";
  await call("PUT", `conversations/${id}/bans/jonah`, "maya", { reason: banReason });
  for (const [locale, details] of Object.entries(DETAILS)) {
    const page = await visit({ locale, viewport: { width: 1280, height: 800 } });
    await enter(page);
    await page.goto(`${url}/#/conversation/${id}`);
    await page.getByRole("button", { name: details, exact: true }).click();
    const tiles = page.locator(".panel .tile");
    await tiles.nth(3).waitFor();
    const reason = page.locator(".member .below");
    await reason.waitFor();
    ok(await tiles.evaluateAll(roomInTiles), `${locale}: the buttons`);
    ok(Math.round(await reason.evaluate(linesOf)) <= 2, `${locale}: the reason`);
    await tiles.nth(2).click();
    const history = page.locator("dialog select").filter({ has: page.locator("option[value=from-join]") });
    await history.selectOption("from-join");
    ok(await history.evaluate(hasRoom), `${locale}: what new members see`);
    await page.context().close();
  }
});

// Whether all are in one row, and no word is at the edge of its button.
function roomInTiles(tiles) {
  const boxes = tiles.map((tile) => [tile.getBoundingClientRect(), tile.querySelector("span").getBoundingClientRect()]);
  const hasMargins = ([tile, word]) => word.left - tile.left > 4.5 && tile.right - word.right > 4.5;
  return boxes.every((each) => each[0].top === boxes[0][0].top && hasMargins(each));
}

// Whether a list shows the whole text of what is chosen.
function hasRoom(select) {
  const { font, paddingLeft, paddingRight } = getComputedStyle(select);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = font;
  const room = select.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
  return pen.measureText(select.selectedOptions[0].textContent).width <= room;
}

// The words that break within themselves, in each language: in the buttons at the top of the details, where a
// conversation is muted and where not, and in what an action did.
test("No word of the details' buttons and of toasts is broken", [], async () => {
  const { id } = await post("conversations", "maya", { kind: "group", memberIds: ["ines"], name: "Whole words" });
  for (const [locale, details] of Object.entries(DETAILS)) {
    await call("PATCH", `conversations/${id}/preferences`, "maya", { muted: false });
    await post("messages", "ines", { conversationId: id, content: "Unread" });
    const page = await visit({ locale, viewport: { width: 1280, height: 800 } });
    const look = async (selector) => {
      const broken = await page.locator(selector).evaluateAll(wordsInLines);
      deepEqual(broken, [], `${locale}: ${broken}`);
    };
    await enter(page);
    await page.locator(".sidebar [aria-pressed]").first().click();
    await page.locator(".list-action").first().click();
    const toast = page.locator(".toast:popover-open > p");
    await toast.waitFor();
    await look(".toast > p");
    ok((await toast.evaluate(linesOf)) < 3, `${locale}: the toast`);
    await page.goto(`${url}/#/conversation/${id}`);
    await page.getByRole("button", { name: details, exact: true }).click();
    const tiles = page.locator(".panel .tile");
    await tiles.locator(".lucide-bell-off").waitFor();
    await look(".panel .tile");
    await call("PATCH", `conversations/${id}/preferences`, "maya", { muted: true });
    await tiles.locator(".lucide-bell").waitFor();
    await look(".panel .tile");
    await page.context().close();
  }
});

// Runs in the page. The words that stand in more than one line.
function wordsInLines(all) {
  const broken = [];
  for (const element of all) {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const { 0: word, index } of walker.currentNode.data.matchAll(/[\p{L}\p{N}]+/gu)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, index);
        range.setEnd(walker.currentNode, index + word.length);
        if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) broken.push(word);
      }
    }
  }
  return broken;
}
