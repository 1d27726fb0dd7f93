// What keeps the page fast, in counts: `python -m bench.web_client` measures times.
import { equal, ok } from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { atEnd, composer, conversations, message, pause, post, url, visit, visitAs } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

const WHEEL_STEPS = 60;
const ROWS_MAX = 300;
// Scripts and styles, as they are sent.
const ENTRANCE = { scripts: 8, bytes: 90_000 };
const SIGNED_IN = { scripts: 6, bytes: 210_000 };
const SHIFT = 0.02;

// Through a conversation with very many messages, by all ways that there are.
test("A long conversation never has many rows in the document", ["long_server"], async () => {
  const alice = await visitAs("alice");
  const hasFewRows = async () => {
    const rows = await alice.locator(".row").count();
    ok(rows <= ROWS_MAX, `${rows} rows`);
  };
  await conversations(alice).filter({ hasText: "Long" }).click();
  await message(alice, "Message 100000").waitFor();
  await alice.mouse.move(700, 350);
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await alice.mouse.wheel(0, -3_000);
    await hasFewRows();
  }
  ok((await alice.locator(".row").count()) > 0);
  const first = await alice.evaluate(async (address) => {
    const answer = await fetch(address);
    return (await answer.json()).items[0].id;
  }, `${url}/api/v1/conversations/long/messages?aroundSeq=1&limit=1&userId=alice`);
  await alice.goto(`${url}/#/conversation/long/${first}`);
  await message(alice, "Message 1").waitFor();
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await alice.mouse.wheel(0, 3_000);
    await hasFewRows();
  }
  await alice.getByRole("button", { name: /^Jump to newest/ }).click();
  await message(alice, "Message 100000").waitFor();
  await hasFewRows();
});

// One's own message is there when the browser next draws.
test("One's own message is drawn in the frame after enter", ["long_server"], async () => {
  const alice = await visitAs("alice");
  await conversations(alice).filter({ hasText: "Long" }).click();
  await message(alice, "Message 100000").waitFor();
  await atEnd(alice);
  await composer(alice).fill("at once");
  await alice.evaluate(() => {
    window.drawn = new Promise((resolve) => {
      addEventListener("keydown", () => {
        requestAnimationFrame(() => resolve([...document.querySelectorAll(".message .text")].at(-1).textContent));
      });
    });
  });
  await composer(alice).press("Enter");
  equal(await alice.evaluate(() => window.drawn), "at once");
});

// What the browser loads until each kind of entrance is painted, and for the page of a signed-in user. What the page
// loads ahead of its need when it is idle would be counted on a fast machine only.
test("The first page loads little and stands still", [], async () => {
  const group = await post("conversations", "alice", { kind: "group", name: "The walk", memberIds: ["bob"] });
  const { code } = await post("invitations", "alice", { conversationIds: [group.id] });
  const wide = { width: 1440, height: 900 };
  const phone = { width: 390, height: 844 };
  for (const [name, options] of Object.entries({
    "sign in": { viewport: wide, demo: false },
    "sign in on a phone": { viewport: phone, demo: false },
    invitation: { viewport: wide, path: `/#invite=${code}`, demo: false },
    "invitation on a phone": { viewport: phone, path: `/#invite=${code}` },
    demo: { viewport: wide },
    "demo on a phone": { viewport: phone },
  })) {
    const page = await atEntrance(options);
    isWithin(await loadedBeforePaint(page), ENTRANCE, name);
    const shift = await page.evaluate(() => window.shifted);
    ok(shift < SHIFT, `${name} shifts by ${shift}`);
    await page.context().close();
  }
  const alice = await visitAs("alice", { init: notePaint });
  await alice.reload();
  await conversations(alice).first().waitFor();
  isWithin(await loadedBeforePaint(alice), SIGNED_IN, "signed in");
});

function isWithin(loaded, limits, name) {
  for (const [what, most] of Object.entries(limits))
    ok(loaded[what] > 0 && loaded[what] <= most, `${name} loads ${loaded[what]} ${what}`);
}

// The page of a reader who is not signed in, once its forms are painted. `demo`: whether the server says that it is one.
async function atEntrance({ path = "", demo = true, viewport }) {
  const page = await visit({ at: "about:blank", viewport, init: notePaint });
  // Behind what the page needs, as over a network.
  await page.route(/\/api\/v1\/(server|auth\/invitations)/, async (route) => {
    await pause(100);
    await route.continue();
  });
  await page.route(/\/demo\.json$/, async (route) => {
    await pause(200);
    await (demo ? route.continue() : route.fulfill({ json: { open: false, users: [] } }));
  });
  await page.goto(url + path);
  await page.locator(demo ? ".demo-people" : ".entrance > form").waitFor();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  return page;
}

// Runs in the page before it. Notes when the first form or the list is painted, and how far everything moves.
function notePaint() {
  window.shifted = 0;
  window.requestIdleCallback = () => 0;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) window.shifted += value;
  }).observe({ type: "layout-shift", buffered: true });
  window.painted = new Promise((resolve) => {
    const found = new MutationObserver(() => {
      if (document.querySelector(".entrance form, .conversations a") === null) return;
      found.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    });
    found.observe(document, { childList: true, subtree: true });
  });
}

// The scripts that were requested before the paint, and the bytes of scripts and styles as they were sent.
function loadedBeforePaint(page) {
  return page.evaluate(async () => {
    const painted = await window.painted;
    const files = performance.getEntriesByType("resource").filter(({ startTime }) => startTime < painted);
    const code = files.filter(({ name }) => /\.(js|css)$/.test(name));
    return {
      scripts: code.filter(({ name }) => name.endsWith(".js")).length,
      bytes: code.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    };
  });
}

test("Few of the built scripts are small", [], async () => {
  const folder = fileURLToPath(new URL("../../src/talkwire/web/page/", import.meta.url));
  const scripts = (await readdir(folder)).filter((name) => name.endsWith(".js"));
  const sizes = await Promise.all(scripts.map(async (name) => (await stat(folder + name)).size));
  ok(sizes.filter((size) => size < 10_000).length <= 1 && sizes.length > 1, `${sizes}`);
});
