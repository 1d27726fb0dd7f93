// What the tests share: the browser, what is on the page, what people do there, and the server past the page.
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const [executablePath] = process.argv.slice(2);
// For the slowest machine. Anyone who waits for something waits no longer than it takes.
export const DEADLINE_MS = 60_000;

// What Chromium leaves out. Playwright's option of the same name has no effect beside this one, so that list comes first.
// Each visit would start a spare renderer that nothing uses. The last two draw the address bar's popup, which takes each
// new window longer than the page.
const WITHOUT = [
  "AimEnabled",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "LensOverlay",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "SpareRendererForSitePerProcess",
  "ThirdPartyStoragePartitioning",
  "WebUIOmniboxAimPopup",
  "WebUIOmniboxPopup",
];

// Starts a browser that ends with the test. `more`: further options of its command line.
export async function launch(...more) {
  // Loaded only here: it takes longer than to list the tests of all files.
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath,
    args: [
      ...more,
      `--disable-features=${WITHOUT}`,
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  browsers.add(browser);
  return browser;
}

// The browser of all tests; its microphone hums and its camera shows a test picture. Undefined before the first visit.
let shared;
// Those that run.
const browsers = new Set();
// Those of `listen`.
const servers = [];

async function sharedBrowser() {
  shared ??= await launch("--use-fake-device-for-media-stream=fps=5");
  return shared;
}

// The id of the shared browser's process.
export async function browserPid() {
  const session = await (await sharedBrowser()).newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.find(({ type }) => type === "browser").id;
}

// Forgets the shared browser where it has ended after the last test.
async function forgetEnded() {
  if (shared === undefined) return;
  try {
    await browserPid();
  } catch {
    browsers.delete(shared);
    shared = undefined;
  }
}

// The address of the test's server, and where its pages reach it.
export let url;
export let pageUrl;
export let complaints = [];
// What a browser says whose server is away, or which is itself.
export const LOST = /WebSocket connection to|net::ERR_/;

// Prepares for a test, which finds nothing of those before it. Its pages get each answer so many milliseconds later.
export async function begin(address, latencyMs) {
  await forgetEnded();
  url = address;
  pageUrl = latencyMs > 0 ? await slowly(latencyMs) : address;
  complaints = [];
}

// Closes what the test opened, and returns what its pages complained about. The shared browser stays.
export async function end() {
  const found = [...complaints];
  for (const browser of browsers) {
    if (browser === shared) {
      await Promise.all(browser.contexts().map((context) => context.close()));
    } else {
      await browser.close();
      browsers.delete(browser);
    }
  }
  for (const server of servers.splice(0)) server.close();
  return found;
}

export async function close() {
  await Promise.all([...browsers].map((browser) => browser.close()));
}

// Prints what each page shows.
export async function describePages() {
  const pages = [...browsers].flatMap((browser) => browser.contexts().flatMap((context) => context.pages()));
  for (const page of pages) console.error(page.url(), await page.ariaSnapshot().catch(String));
}

export function report(happened, details = {}) {
  console.log(JSON.stringify({ happened, ...details }));
}

// A browser with nothing in it, at the page. What it logs is a complaint, unless `expected` matches it.
// `init` runs in it before the page does.
// `at`: another address of the server.
// `installs`: whether it installs the service worker, which loads all files of the page and takes as long as half a visit.
// Without it, the browser is like a private window.
// `clock`: whether the test may move the page's clock. Nothing is animated, unless `reducedMotion` says so.
export async function visit(
  { expected = /^$/, at = pageUrl, path = "", init, from, installs = false, clock = false, ...options } = {},
) {
  // What is half in sight has no contrast, and is not yet where it will be.
  const calm = { viewport: { width: 1100, height: 700 }, reducedMotion: "reduce" };
  const context = await (from ?? (await sharedBrowser())).newContext({ ...calm, ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => {
      console.error(`against the policy: ${violatedDirective}`);
    });
  });
  await context.addInitScript(noteMarked);
  if (!installs) await context.addInitScript(leaveOutServiceWorker);
  if (init !== undefined) await context.addInitScript(init);
  if (clock) await context.clock.install();
  return watch(await context.newPage(), { expected, address: at + path });
}

function leaveOutServiceWorker() {
  delete Navigator.prototype.serviceWorker;
}

// Notes the rows that the page marks: the mark is over after two seconds, in which a busy machine may look at nothing.
function noteMarked() {
  window.marked = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) if (target.matches(".row.shown")) window.marked.push(target.textContent);
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["class"] });
}

// Another tab of the same browser.
export async function anotherTab(page, user, expected = /^$/) {
  const tab = await watch(await page.context().newPage(), { expected, address: pageUrl });
  await enterAs(tab, user);
  await conversations(tab).first().waitFor();
  return tab;
}

async function watch(page, { expected, address }) {
  const complain = (text) => expected.test(text) || complaints.push(text);
  page.on("console", (message) => {
    if (message.type() === "debug") return;
    const { url: source } = message.location();
    complain(message.text().startsWith("Failed to load") ? `${message.text()}: ${source}` : message.text());
  });
  page.on("pageerror", (error) => complain(String(error)));
  // Addresses are copied, cached and logged. A JSON Web Token begins like this.
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (search.includes("=eyJ")) complain(`access token in the address of ${pathname}`);
    const isDeleting = request.method() === "DELETE";
    if (search.includes("invitation=") || (!isDeleting && /\/invitations\/[\w-]{20,}/.test(pathname)))
      complain(`invitation in the address of ${pathname}`);
  });
  page.on("dialog", async (dialog) => {
    complain(`dialog: ${dialog.message()}`);
    await dialog.accept();
  });
  await page.goto(address);
  return page;
}

// Stays on the page when the browser asks whether to leave. Returns the kinds of what was asked.
export function stays(page) {
  const asked = [];
  page.removeAllListeners("dialog");
  page.on("dialog", async (dialog) => {
    asked.push(dialog.type());
    await dialog.dismiss();
  });
  return asked;
}

// An address of the server behind a slow network: what is asked there is answered so many milliseconds later.
export async function slowly(latencyMs) {
  return behind((from, to) => {
    from.on("data", (bytes) => setTimeout(() => to.write(bytes), latencyMs / 2));
    from.on("close", () => setTimeout(() => to.destroy(), latencyMs / 2));
  });
}

// A network of its own to the server, for pages at its address, which is lost and comes back.
export async function losable() {
  const ends = new Set();
  let isLost = false;
  const at = await behind((from, to) => {
    if (isLost) from.destroy();
    ends.add(from);
    from.on("data", (bytes) => to.write(bytes));
    from.on("close", () => ends.delete(from) && to.destroy());
  });
  return {
    at,
    lose: () => {
      isLost = true;
      for (const end of ends) end.destroy();
    },
    // The browser says so, and the page does not wait for its next attempt.
    restore: (page) => {
      isLost = false;
      return page.evaluate(() => window.dispatchEvent(new Event("online")));
    },
  };
}

// An address whose connections are joined to the server's by `join`, once for each direction.
async function behind(join) {
  const { hostname, port } = new URL(url);
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const [from, to] of [[client, server], [server, client]]) {
      from.on("error", () => undefined);
      join(from, to);
    }
  });
  return `http://127.0.0.1:${await listen(proxy)}`;
}

// Has a server listen until the test ends, and returns its port. `port`: any that is free by default.
export async function listen(server, port = 0) {
  servers.push(server);
  await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  return server.address().port;
}

// Reloads a page whose messages to the server can be held back. `shown`: what is on it when it is loaded.
export async function holdable(page, shown = conversations(page).first()) {
  let waiting = null;
  await page.context().routeWebSocket(/socket\.io/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => (waiting === null ? server.send(text) : waiting.push(() => server.send(text))));
  });
  await page.reload();
  await shown.waitFor();
  return {
    hold: () => (waiting = []),
    release: () => {
      for (const send of waiting.splice(0)) send();
      waiting = null;
    },
  };
}

// What the browser keeps in this part of the state, as JSON.
export function kept(page, part, database = "talkwire-state") {
  return page.evaluate(
    ([store, name]) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.onerror = reject;
        opening.onsuccess = () => {
          const reading = opening.result.transaction(store).objectStore(store).getAll();
          reading.onsuccess = () => resolve(JSON.stringify(reading.result));
          opening.result.close();
        };
      }),
    [part, database],
  );
}

// Signs in as the user of this id, as a demo server lets anybody.
export async function enterAs(page, user) {
  await page.getByLabel("Another user ID").fill(user);
  await page.getByRole("button", { name: "Enter", exact: true }).click();
}

export async function visitAs(user, options) {
  const page = await visit(options);
  await enterAs(page, user);
  await conversations(page).first().waitFor();
  return page;
}

export const conversations = (page) => page.locator(".conversations a");
export const messages = (page) => page.locator(".message:not(.letter) .text");
export const message = (page, content) => messages(page).getByText(content, { exact: true });
export const letters = (page) => page.locator(".letter");
export const composer = (page) => page.getByRole("textbox", { name: "Message", exact: true });
export const field = (page, label) =>
  page.locator("dialog[open], .entrance form:not(.demo-other)").getByLabel(label, { exact: true });

// By its name, which may be said or be somebody's in the others.
export const listed = (page, name) =>
  conversations(page).filter({ has: page.locator(".name").getByText(name, { exact: true }) });

export async function open(page, name) {
  await listed(page, name).click();
  await opened(page, name);
}

export async function opened(page, name) {
  await page.getByRole("heading", { name, exact: true }).waitFor();
  await composer(page).waitFor();
}

// From the list of what is unread, which is shown afterwards.
export async function markAllAsRead(page) {
  const unreadOnly = page.getByRole("button", { name: "Unread only" });
  if ((await unreadOnly.getAttribute("aria-pressed")) !== "true") await unreadOnly.click();
  await page.locator(".list-action").getByText("Mark all messages as read").click();
}

export async function say(page, content) {
  await write(composer(page), content);
}

// The focus may be on its way to somewhere else, such as back from a menu: the key goes to the field.
export async function write(textbox, content) {
  await textbox.fill(content);
  await textbox.press("Enter");
}

// Waits until the page has led the reader to a message that says so, and marked it.
export async function ledTo(page, content) {
  await page.waitForFunction((text) => {
    const at = window.marked.findIndex((each) => each.includes(text));
    return at !== -1 && window.marked.splice(0, at + 1).length > 0;
  }, content);
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Reads again and again, and returns the first value that is wanted; the last one where none is.
export async function until(read, wanted) {
  for (const deadline = Date.now() + DEADLINE_MS; ; await pause(20)) {
    const value = await read();
    if (wanted(value) || Date.now() > deadline) return value;
  }
}

// Waits until the open conversation rests at its end. The list measures rows only in sight, so it gets there in steps; who
// scrolls or writes in between meets a list that is drawn in part.
export async function atEnd(page) {
  if (!(await until(() => page.locator(".scroller").evaluate(restsAtEnd), Boolean)))
    throw new Error("the list does not come to its end");
}

// Runs in the page. Whether the end is in sight, and still is two frames later.
async function restsAtEnd(it) {
  const left = () => it.scrollHeight - it.clientHeight - it.scrollTop;
  if (it.scrollTop === 0 || left() > 2) return false;
  for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
  return left() <= 2;
}

// Returns what the promise resolves to. Fails after the deadline, and says that `what` is missing.
export async function arrived(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${DEADLINE_MS / 1_000} seconds for ${what}`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Presses one of the buttons that a message shows to anyone who points at it, or one of the menu behind them.
// `within`: the part of the page where it is.
export async function act(page, content, name, within = page) {
  // Not the letter, in whose place the message comes.
  const sent = within.locator(".message:not(.letter)");
  const at = sent.filter({ has: page.locator(".text").getByText(content, { exact: true }) });
  const button = at.getByRole("button", { name, exact: true });
  const menu = at.getByRole("button", { name: "More actions" });
  // The buttons go again where the list moves away below the pointer.
  const reached = async () => {
    await hover(at);
    // Those that would cover the text come when the pointer is at the others.
    await at.locator(".actions").hover({ timeout: 2_000 }).catch(() => undefined);
    // Where there is no room for a button, the menu has its action.
    const wanted = (await button.isVisible()) ? button : menu;
    return wanted.click({ trial: true, timeout: 2_000 }).then(() => wanted, () => undefined);
  };
  const wanted = await until(reached, Boolean);
  if (wanted === undefined) throw new Error("the message does not keep its buttons");
  await wanted.click();
  if (wanted === menu) await page.getByRole("menuitem", { name, exact: true }).click();
}

// Holds a finger on a message until its sheet is open: the list may move away below the finger.
export async function longPress(page, at, opened = "dialog.sheet") {
  const session = await page.context().newCDPSession(page);
  const touch = (type, touchPoints) => session.send("Input.dispatchTouchEvent", { type, touchPoints });
  const held = async () => {
    if (await page.locator(opened).isVisible()) return true;
    const box = await at.boundingBox();
    await touch("touchStart", [{ x: box.x + Math.min(60, box.width / 2), y: box.y + box.height / 2 }]);
    const opens = await page.locator(opened).waitFor({ timeout: 2_000 }).then(() => true, () => false);
    await touch("touchEnd", []);
    return opens;
  };
  if (!(await until(held, Boolean))) throw new Error("a finger that is held opens nothing");
  await session.detach();
}

// Points at a message until it shows its buttons: the list may move away below the pointer.
export async function hover(at) {
  const shown = async () => {
    await at.hover();
    return at.locator(".actions button:visible").nth(1).waitFor({ timeout: 2_000 }).then(() => true, () => false);
  };
  if (!(await until(shown, Boolean))) throw new Error("the message shows no buttons");
}

export async function choose(page, name) {
  await field(page, "Find people").fill(name);
  await page.locator(".found [role=option]").getByText(name, { exact: true }).click();
}

// With one person directly, or with people in a group of this name.
export async function start(page, names, group) {
  await page.getByRole("button", { name: "New conversation" }).click();
  if (group === undefined) {
    await field(page, "Find people by name or handle").fill(names[0]);
    await page.locator(".directory [role=option]").getByText(names[0], { exact: true }).click();
  } else {
    await page.getByRole("button", { name: /^New group/ }).click();
    for (const name of names) await choose(page, name);
    await field(page, "Group name").fill(group);
    await page.getByRole("button", { name: "Create", exact: true }).click();
  }
  await page.locator("dialog").waitFor({ state: "detached" });
}

export async function openSettings(page, section) {
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("tab", { name: section, exact: true }).click();
}

// Fills in the form for signing in, or the other one where there is a name.
export async function submitAccount(page, fields) {
  const form = page.locator(".entrance form:not(.demo-other)");
  await form.waitFor();
  const registers = await field(page, "Name").isVisible();
  if (registers !== "Name" in fields) await form.locator("button.quiet").click();
  for (const [label, value] of Object.entries(fields)) await field(page, label).fill(value);
  await form.locator("button.primary").click();
}

// What the server answers to this user, past the page.
export async function call(method, path, user, body) {
  const address = new URL(`${url}/api/v1/${path}`);
  address.searchParams.set("userId", user);
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(address, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}`);
  const text = await answer.text();
  return text === "" ? undefined : JSON.parse(text);
}

export const post = (path, user, body) => call("POST", path, user, body);

// Uploads a picture of this size and one colour, which the page draws.
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

// The lines of what runs the tests, from the first that is asked for. Their end is the end of everything, whatever a test
// waits for.
export const answers = (async function* () {
  const lines = createInterface({ input: process.stdin });
  lines.on("close", () => process.exit());
  yield* lines;
})();

// What the test's fixtures do for it: `await remote.kill()` runs their action `kill`, and returns what that returns.
export const remote = new Proxy(
  {},
  {
    get: (_, action) => async (...given) => {
      report("asks", { action, given });
      const { value } = await answers.next();
      return JSON.parse(value);
    },
  },
);
