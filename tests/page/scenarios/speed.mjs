import { atEnd, composer, conversations, message, pause, post, report, url, visit, visitAs } from "../browser.mjs";

const WHEEL_STEPS = 60;

// Through a conversation with very many messages, by all ways that there are.
export async function long() {
  const alice = await visitAs("alice");
  let most = 0;
  const count = async () => {
    most = Math.max(most, await alice.locator(".row").count());
  };
  await conversations(alice).filter({ hasText: "Long" }).click();
  await message(alice, "Message 100000").waitFor();
  await alice.mouse.move(700, 350);
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await alice.mouse.wheel(0, -3_000);
    await count();
  }
  const first = await alice.evaluate(async (address) => {
    const answer = await fetch(address);
    return (await answer.json()).items[0].id;
  }, `${url}/api/v1/conversations/long/messages?aroundSeq=1&limit=1&userId=alice`);
  await alice.goto(`${url}/#/conversation/long/${first}`);
  await message(alice, "Message 1").waitFor();
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await alice.mouse.wheel(0, 3_000);
    await count();
  }
  await alice.getByRole("button", { name: /^Jump to newest/ }).click();
  await message(alice, "Message 100000").waitFor();
  await count();
  report("went through", { most });
}

// One's own message is there when the browser next draws.
export async function own() {
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
  report("drawn", { text: await alice.evaluate(() => window.drawn) });
}

// What the browser loads until each kind of entrance is painted, and for the page of a signed-in user. What the page
// loads ahead of its need when it is idle would be counted on a fast machine only.
export async function first() {
  const loaded = {};
  const shifts = {};
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
    loaded[name] = await loadedBeforePaint(page);
    shifts[name] = await page.evaluate(() => window.shifted);
    await page.context().close();
  }
  const alice = await visitAs("alice", { init: notePaint });
  await alice.reload();
  await conversations(alice).first().waitFor();
  loaded["signed in"] = await loadedBeforePaint(alice);
  report("loaded", { loaded, shifts });
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
      requests: files.length,
      bytes: code.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    };
  });
}
