// The web client for users of an application: signed in by a token in the address, or by the page around its frame.
import { deepEqual, equal, ok } from "node:assert/strict";
import { createServer } from "node:http";
import { ask, frameOf, ORDER, signWith, tokenOf, writes } from "./application.mjs";
import {
  arrived,
  composer,
  conversations,
  launch,
  listen,
  message,
  opened,
  say,
  until,
  url,
  visit,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

// The pages of applications, by their host. A browser asks this machine for every name below `localhost`.
const pages = new Map();
let shopOrigin;
let otherOrigin;

const AS_APPLICATION = ["application_server", "application"];
const BELOW_A_PREFIX = ["application_server_below_a_prefix", "application"];

// The conversations of every test; creating them again changes nothing.
async function prepare(application) {
  signWith(application.secret);
  shopOrigin = application.shop;
  otherOrigin = shopOrigin.replace("shop.", "evil.");
  const service = tokenOf("shop", { role: "service" });
  for (const [id, name] of [
    ["order-17", ORDER],
    ["order-18", "Order 18"],
  ])
    await ask("POST", "conversations", service, { kind: "group", id, name, memberIds: ["alice", "bob"] });
}

const DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

// Sends a picture of one pixel.
async function sendsPicture(user, conversationId) {
  const form = new FormData();
  form.append("file", new Blob([Buffer.from(DOT, "base64")], { type: "image/png" }), "dot.png");
  const headers = { authorization: `Bearer ${tokenOf(user)}` };
  const { id } = await (await fetch(`${url}/api/v1/files`, { method: "POST", headers, body: form })).json();
  await ask("POST", "messages", tokenOf(user), { conversationId, content: "Look", attachments: [{ id }] });
}

// Serves the pages of an application and of somebody else until the test ends.
async function servePages(application) {
  await prepare(application);
  pages.clear();
  const server = createServer(({ headers }, response) => {
    response.setHeader("content-type", "text/html");
    response.setHeader("connection", "close");
    response.end(pages.get(`http://${headers.host}`) ?? "");
  });
  await listen(server, Number(new URL(shopOrigin).port));
}

// A browser at a page with this HTML.
async function shop(html, { origin = shopOrigin, ...options } = {}) {
  pages.set(origin, html);
  return visit({ at: `${origin}/`, ...options });
}

// What a page of an application has: the element, a function for its token, and what it says.
const element = (token, attributes = "") => `<!doctype html><title>Shop</title>
  <script type="module" src="${url}/embed.js"></script>
  <style>talkwire-chat { height: 500px; width: 800px }</style>
  <talkwire-chat server="${url}" ${attributes}></talkwire-chat>
  <script>
    const chat = document.querySelector("talkwire-chat");
    const tokens = ${JSON.stringify(token)};
    window.asked = 0;
    window.states = [];
    window.unread = [];
    chat.token = async () => tokens[Math.min(window.asked++, tokens.length - 1)];
    chat.addEventListener("talkwire:state", ({ detail }) => window.states.push(detail.state));
    chat.addEventListener("talkwire:unread", ({ detail }) => window.unread.push(detail.count));
  </script>`;

const inside = (page) => page.frames().find((frame) => frame.url().startsWith(url));

// Links with tokens of somebody else, in a tab where Alice is signed in.
async function asksBeforeAnotherUser(page) {
  const account = (name) => page.getByRole("button", { name: /^Your account/ }).filter({ hasText: name });
  const stay = page.getByRole("button", { name: "Stay as alice" });
  const question = page.getByText("You are signed in as alice. This link signs in as bob.");
  const link = `${url}/#token=${tokenOf("bob")}&conversation=order-18`;
  // In the open page, and then in one that is loaded.
  await page.goto(link);
  await question.waitFor();
  equal(await conversations(page).count(), 0);
  await stay.click();
  await account("alice").waitFor();
  await page.goto("about:blank");
  await page.goto(`${url}/#token=nonsense`);
  await page.getByText("The server did not accept the sign-in of your application").waitFor();
  await stay.click();
  await account("alice").waitFor();
  // The console, which is not for Alice, leaves her session to the chat.
  await page.goto(`${url}/admin#token=nonsense`);
  await stay.click();
  await page.getByRole("heading", { name: "You are not an administrator" }).waitFor();
  await page.goto(link);
  await question.waitFor();
  equal(await page.evaluate(() => location.hash), "#/conversation/order-18");
  await page.getByRole("button", { name: "Continue as bob" }).click();
  await account("bob").waitFor();
  await opened(page, "Order 18");
}

// Below a prefix, where the page has to find its files and Socket.IO, too.
test("A token in the address signs in and is nowhere else", BELOW_A_PREFIX, async ({ application }) => {
  await prepare(application);
  const token = tokenOf("alice");
  const page = await visit({ at: "about:blank", expected: /status of 40[13]/ });
  const requests = [];
  page.on("request", (request) => requests.push(request.url(), request.headers().referer ?? ""));
  await sendsPicture("bob", "order-17");
  const sent = `#token=${token}&conversation=order-17`;
  await page.goto(`${url}/${sent}`);
  await opened(page, ORDER);
  await page.waitForFunction(() => document.querySelector(".picture img")?.naturalWidth > 0);
  const addressed = await page.locator(".picture img").evaluate((it) => new URL(it.src).searchParams.get("token"));
  for (const path of ["users/me", "users/me/export"])
    equal((await fetch(`${url}/api/v1/${path}?token=${addressed}`)).status, 401);
  equal(await page.evaluate(() => location.hash), "#/conversation/order-17");
  await page.reload();
  await opened(page, ORDER);
  const stored = await page.evaluate(() => [localStorage, sessionStorage].map((each) => JSON.stringify(each)));
  deepEqual(stored.map((text) => text.includes(token)), [false, true]);
  await page.goto(`${url}/#/conversation/order-18`);
  await opened(page, "Order 18");
  await asksBeforeAnotherUser(page);
  // Back to what was before the page: no token is in an entry of the tab's history.
  const history = await page.context().newCDPSession(page);
  const { entries } = await history.send("Page.getNavigationHistory");
  deepEqual(entries.filter((entry) => entry.url.includes("token=")), []);
  const other = await page.context().newPage();
  await other.goto(url);
  await other.getByText("Sign in through the application that this chat belongs to.").waitFor();
  equal(await other.locator("form").count(), 0);
  deepEqual(requests.filter((each) => each.includes(token)), []);
});

// A token that has expired, one that is refused, and a session that ends with its token.
test("An expired token leads back to the application", AS_APPLICATION, async ({ application }) => {
  await prepare(application);
  const expected = /status of 401/;
  const page = await visit({ at: `${url}/#token=${tokenOf("alice", {}, -60)}`, expected });
  await page.getByText("Your sign-in has ended. Open the chat from your application again.").waitFor();
  equal(await page.locator("form").count(), 0);
  const refused = await visit({ at: `${url}/#token=nonsense`, expected });
  await refused.getByText("The server did not accept the sign-in of your application").waitFor();
  const short = await visit({ at: `${url}/#token=${tokenOf("alice", {}, 2)}&conversation=order-17`, expected });
  await short.getByText("Open the chat from your application again.").waitFor();
  equal(await short.evaluate(() => JSON.stringify(sessionStorage).includes("accessToken")), false);
});

test("A listed page shows the chat in a frame", AS_APPLICATION, async ({ application }) => {
  await servePages(application);
  const attributes = 'conversation="order-17" theme="dark" compact';
  const page = await shop(element([tokenOf("alice")], attributes));
  const chat = frameOf(page);
  await composer(chat).waitFor();
  await chat.getByRole("heading", { name: ORDER }).waitFor();
  // The history is that of the page around the frame.
  const before = await page.evaluate(() => history.length);
  await composer(chat).press("Control+k");
  await chat.locator("dialog.switcher").waitFor();
  await chat.getByRole("combobox").press("Escape");
  await chat.locator("dialog.switcher").waitFor({ state: "detached" });
  equal(await page.evaluate(() => history.length), before);
  await say(chat, "Hello from the shop");
  await message(chat, "Hello from the shop").waitFor();
  await becomes(() => page.evaluate(() => window.states.at(-1)), "online");
  const theme = () => inside(page).evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  equal(await conversations(chat).count(), 0);
  equal(await theme(), "dark");
  equal(await chat.locator(".conversation").evaluate((each) => each.offsetWidth), 800);
  await writes("bob", "order-18", "Are you there?");
  await page.waitForFunction(() => window.unread.at(-1) > 0);
  await page.evaluate(() => {
    document.querySelector("talkwire-chat").compact = false;
    document.querySelector("talkwire-chat").theme = "light";
  });
  await conversations(chat).first().waitFor();
  await becomes(theme, "light");
  await chat.getByRole("button", { name: /^Your account/ }).click();
  await chat.getByRole("menuitem", { name: "Settings" }).waitFor();
  equal(await chat.getByRole("menuitem", { name: "Sign out" }).count(), 0);
  await page.evaluate(() => document.querySelector("talkwire-chat").setAttribute("conversation", "order-18"));
  await chat.getByRole("heading", { name: "Order 18" }).waitFor();
  await message(chat, "Are you there?").waitFor();
  const stored = await inside(page).evaluate(() => JSON.stringify([localStorage, sessionStorage]));
  equal(stored.includes("accessToken"), false);
  deepEqual(await page.evaluate(() => window.states), ["online"]);
  // Another user signs in in the application.
  await page.evaluate((token) => (document.querySelector("talkwire-chat").token = token), tokenOf("bob"));
  await chat.locator(".account-name").getByText("bob", { exact: true }).waitFor();
});

// The origin of the other page is not listed: it shows an empty frame.
test("Another page cannot show it", AS_APPLICATION, async ({ application }) => {
  await servePages(application);
  const page = await shop(element([tokenOf("alice")]), {
    origin: otherOrigin,
    expected: /frame-ancestors|Refused to frame|ERR_BLOCKED|Framing/,
  });
  const shown = await arrived(
    "what the browser says about the frame",
    until(async () => page.frames()[1]?.url(), (address) => address?.startsWith("chrome-error:")),
  );
  ok(shown.startsWith("chrome-error:"), shown);
  equal(await page.evaluate(() => window.asked), 0);
});

// The first token lasts a few seconds, which begin when the frame asks for it, however long the page has taken. The
// frame asks for the next one before, and stays connected.
test("A frame asks for the next token before the first expires", AS_APPLICATION, async ({ application }) => {
  await servePages(application);
  pages.set(shopOrigin, `${element([], 'conversation="order-17" compact')}
    <script>chat.token = () => signed(window.asked++ === 0 ? 12 : 600)</script>`);
  const page = await visit({ at: "about:blank" });
  await page.exposeFunction("signed", (seconds) => tokenOf("alice", {}, seconds));
  await page.goto(`${shopOrigin}/`);
  const chat = frameOf(page);
  await composer(chat).waitFor();
  await page.waitForFunction(() => window.asked > 1);
  const renewed = await inside(page).evaluate(() => performance.now());
  // Beyond the end of the first one.
  await until(() => inside(page).evaluate(() => performance.now()), (now) => now > renewed + 8_000);
  await say(chat, "Still here");
  await message(chat, "Still here").waitFor();
  equal(await page.evaluate(() => window.asked), 2);
  deepEqual(await page.evaluate(() => window.states), ["online"]);
});

// A host that answers only the second time, beside a frame of somebody else that gives tokens of its own.
test("Only the page around the frame is believed", AS_APPLICATION, async ({ application }) => {
  await servePages(application);
  const mallory = `<script>setInterval(() => parent.frames[0].postMessage(
    { type: "talkwire:token", token: "${tokenOf("mallory")}" }, "*"), 50)</script>`;
  pages.set(otherOrigin, mallory);
  const page = await shop(`<!doctype html><title>Shop</title><iframe src="${url}/" width=600 height=400></iframe>
    <iframe src="${otherOrigin}/"></iframe>
    <script>window.asked = 0; onmessage = ({ origin, data }) => {
      if (data.type !== "talkwire:token-please") return;
      window.asked++;
      if (window.token) frames[0].postMessage({ type: "talkwire:token", token: window.token }, origin);
    }</script>`, { clock: true });
  const chat = page.frameLocator("iframe >> nth=0");
  await page.waitForFunction(() => window.asked > 0);
  await page.clock.fastForward(20_000);
  await chat.getByText("The application around this chat did not sign you in.").waitFor();
  await page.evaluate((token) => (window.token = token), tokenOf("alice"));
  await chat.getByRole("button", { name: "Try again" }).click();
  await chat.locator(".account-name").getByText("alice", { exact: true }).waitFor();
  await page.evaluate(() => (window.token = null));
  equal(await page.evaluate(() => window.asked), 2);
});

// A browser that blocks storage for frames of other sites.
test("A frame works without storage", ["whole_browser", ...AS_APPLICATION], async ({ application }) => {
  await servePages(application);
  const from = await launch("--test-third-party-cookie-phaseout");
  const page = await shop(element([tokenOf("alice")], 'conversation="order-17"'), { from });
  const chat = frameOf(page);
  await composer(chat).waitFor();
  await say(chat, "Without storage");
  await message(chat, "Without storage").waitFor();
  const isMemory = () => Object.getOwnPropertyDescriptor(window, "localStorage")?.value !== undefined;
  equal(await inside(page).evaluate(isMemory), true);
});
