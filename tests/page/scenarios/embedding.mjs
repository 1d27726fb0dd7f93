// The web client for users of an application, whom it signs in with tokens: in the address, and in a frame.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import {
  arrived,
  composer,
  conversations,
  launch,
  message,
  messages,
  opened,
  report,
  say,
  until,
  url,
  visit,
} from "../browser.mjs";
import { PushService } from "../push_service.mjs";
import { ServiceWorker, subscribingTo } from "../service_worker.mjs";

const ORDER = "Order 17";

let secret;
// The pages of applications, by their host. A browser asks this machine for every name below `localhost`.
const pages = new Map();
let shopOrigin;
let otherOrigin;

// A token as an application signs it.
function tokenOf(user, claims = {}, seconds = 600) {
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const head = encoded({ alg: "HS256", typ: "JWT" });
  const body = `${head}.${encoded({ sub: user, name: user, exp: now + seconds, ...claims })}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

async function ask(method, path, token, body) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(`${url}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

// The conversations of every scenario; creating them again changes nothing.
async function prepare(given) {
  secret = given.secret;
  shopOrigin = given.shop;
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

const writes = (user, conversationId, content) => ask("POST", "messages", tokenOf(user), { conversationId, content });

// Runs a scenario beside the servers of an application and of somebody else.
async function besidePages(given, scenario) {
  await prepare(given);
  const server = createServer(({ headers }, response) => {
    response.setHeader("content-type", "text/html");
    response.end(pages.get(`http://${headers.host}`) ?? "");
  });
  await new Promise((listening) => server.listen(Number(new URL(shopOrigin).port), "127.0.0.1", listening));
  try {
    await scenario();
  } finally {
    pages.clear();
    server.closeAllConnections();
    server.close();
  }
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

const frameOf = (page) => page.frameLocator("talkwire-chat iframe");
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
  const chats = await conversations(page).count();
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
  const hash = await page.evaluate(() => location.hash);
  await page.getByRole("button", { name: "Continue as bob" }).click();
  await account("bob").waitFor();
  await opened(page, "Order 18");
  return { chats, hash };
}

export async function address(given) {
  await prepare(given);
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
  const answers = await Promise.all(
    ["users/me", "users/me/export"].map(async (path) => (await fetch(`${url}/api/v1/${path}?token=${addressed}`)).status),
  );
  const shown = await page.evaluate(() => location.hash);
  await page.reload();
  await opened(page, ORDER);
  const stored = await page.evaluate(() => [localStorage, sessionStorage].map((each) => JSON.stringify(each)));
  await page.goto(`${url}/#/conversation/order-18`);
  await opened(page, "Order 18");
  const asked = await asksBeforeAnotherUser(page);
  // Back to what was before the page: no token is in an entry of the tab's history.
  const history = await page.context().newCDPSession(page);
  const { entries } = await history.send("Page.getNavigationHistory");
  const other = await page.context().newPage();
  await other.goto(url);
  await other.getByText("Sign in through the application that this chat belongs to.").waitFor();
  report("address", {
    shown,
    stored: stored.map((text) => text.includes(token)),
    requested: requests.filter((each) => each.includes(token)).length,
    kept: entries.filter((entry) => entry.url.includes("token=")).length,
    forms: await other.locator("form").count(),
    answers,
    asked,
  });
}

// A token that has expired, one that is refused, and a session that ends with its token.
export async function over(given) {
  await prepare(given);
  const expected = /status of 401/;
  const page = await visit({ at: `${url}/#token=${tokenOf("alice", {}, -60)}`, expected });
  await page.getByText("Your sign-in has ended. Open the chat from your application again.").waitFor();
  const forms = await page.locator("form").count();
  const refused = await visit({ at: `${url}/#token=nonsense`, expected });
  await refused.getByText("The server did not accept the sign-in of your application").waitFor();
  const short = await visit({ at: `${url}/#token=${tokenOf("alice", {}, 2)}&conversation=order-17`, expected });
  await short.getByText("Open the chat from your application again.").waitFor();
  report("over", { forms, left: await short.evaluate(() => JSON.stringify(sessionStorage).includes("accessToken")) });
}

export const frame = (given) => besidePages(given, async () => {
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
  const entries = (await page.evaluate(() => history.length)) - before;
  await say(chat, "Hello from the shop");
  await message(chat, "Hello from the shop").waitFor();
  await until(() => page.evaluate(() => window.states.at(-1)), (state) => state === "online");
  const compact = {
    lists: await conversations(chat).count(),
    theme: await inside(page).evaluate(() => getComputedStyle(document.documentElement).colorScheme),
    width: await chat.locator(".conversation").evaluate((each) => each.offsetWidth),
  };
  await writes("bob", "order-18", "Are you there?");
  await page.waitForFunction(() => window.unread.at(-1) > 0);
  await page.evaluate(() => {
    document.querySelector("talkwire-chat").compact = false;
    document.querySelector("talkwire-chat").theme = "light";
  });
  await conversations(chat).first().waitFor();
  const signOut = async () => {
    await chat.getByRole("button", { name: /^Your account/ }).click();
    await chat.getByRole("menuitem", { name: "Settings" }).waitFor();
    return chat.getByRole("menuitem", { name: "Sign out" }).count();
  };
  const theme = () => inside(page).evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  const light = await until(theme, (it) => it === "light");
  const mayLeave = await signOut();
  await page.evaluate(() => document.querySelector("talkwire-chat").setAttribute("conversation", "order-18"));
  await chat.getByRole("heading", { name: "Order 18" }).waitFor();
  await message(chat, "Are you there?").waitFor();
  const stored = await inside(page).evaluate(() => JSON.stringify([localStorage, sessionStorage]).includes("accessToken"));
  const states = await page.evaluate(() => window.states);
  // Another user signs in in the application.
  await page.evaluate((token) => (document.querySelector("talkwire-chat").token = token), tokenOf("bob"));
  await chat.locator(".account-name").getByText("bob", { exact: true }).waitFor();
  report("frame", { compact, entries, light, mayLeave, stored, states });
});

// A page of an origin that is not listed shows an empty frame.
export const elsewhere = (given) => besidePages(given, async () => {
  const page = await shop(element([tokenOf("alice")]), {
    origin: otherOrigin,
    expected: /frame-ancestors|Refused to frame|ERR_BLOCKED|Framing/,
  });
  const shown = await arrived(
    "what the browser says about the frame",
    until(async () => page.frames()[1]?.url(), (address) => address?.startsWith("chrome-error:")),
  );
  report("elsewhere", { shown, asked: await page.evaluate(() => window.asked) });
});

// The first token lasts a few seconds, which begin when the frame asks for it, however long the page has taken. The frame
// asks for the next one before, and stays connected.
export const renewal = (given) => besidePages(given, async () => {
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
  report("renewal", { asked: await page.evaluate(() => window.asked), states: await page.evaluate(() => window.states) });
});

// A host that answers only the second time, beside a frame of somebody else that gives tokens of its own.
export const unanswered = (given) => besidePages(given, async () => {
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
  report("unanswered", { asked: await page.evaluate(() => window.asked) });
});

// A browser that blocks storage for frames of other sites.
export const withoutStorage = (given) => besidePages(given, async () => {
  const from = await launch("--test-third-party-cookie-phaseout");
  const page = await shop(element([tokenOf("alice")], 'conversation="order-17"'), { from });
  const chat = frameOf(page);
  await composer(chat).waitFor();
  await say(chat, "Without storage");
  await message(chat, "Without storage").waitFor();
  await until(() => messages(chat).count(), (count) => count > 0);
  const isMemory = await inside(page).evaluate(
    () => Object.getOwnPropertyDescriptor(window, "localStorage")?.value !== undefined,
  );
  report("withoutStorage", { isMemory });
});

// An example of the documentation: the customer opens the order's page, reads and writes.
export async function example({ shop: at, secret: given }) {
  secret = given;
  const page = await visit({ at: `${at}/sign-in?name=alice`, expected: /favicon|status of 404/ });
  const chat = frameOf(page);
  await chat.getByRole("heading", { name: ORDER }).waitFor();
  await say(chat, "Is it on its way?");
  await message(chat, "Is it on its way?").waitFor();
  const stored = async () => {
    const { items } = await ask("GET", "conversations/order-17/messages", tokenOf("shop", { role: "service" }));
    return items.map(({ senderId, content }) => `${senderId}: ${content}`);
  };
  report("example", { stored: await until(stored, (texts) => texts.length > 0) });
}

// The shop of a tutorial: the customer and somebody of the shop sign in, open the order's page, and write.
export async function signedInExample({ shop: at, password }) {
  // The form's field wants the focus at once, also where the scenario was faster.
  const expected = /favicon|status of 404|^Autofocus processing was blocked/;
  const [alice, support] = await Promise.all(
    ["alice", "support"].map(async (name) => {
      const page = await visit({ at: `${at}/login/?next=/orders/17/`, expected });
      await signIn(page, name, password);
      return frameOf(page);
    }),
  );
  await say(alice, "Is it on its way?");
  await message(support, "Is it on its way?").waitFor();
  await say(support, "It leaves tomorrow.");
  await message(alice, "It leaves tomorrow.").waitFor();
  report("example", { answered: true });
}

// A customer asks on the page of an order, turns notifications on and leaves; the answer is pushed, and leads back there.
export async function pushedAnswer({ shop: at, secret: given, people }) {
  const { signInAt, password, customer, staff } = people;
  secret = given;
  const service = new PushService();
  await service.start();
  try {
    const init = subscribingTo(service.subscription);
    const page = await visit({ at: at + signInAt, init, installs: true, expected: /favicon|status of 404/ });
    await page.context().grantPermissions(["notifications"], { origin: at });
    if (password !== undefined) await signIn(page, "alice", password);
    const chat = frameOf(page);
    await say(chat, "Is it on its way?");
    await message(chat, "Is it on its way?").waitFor();
    await page.getByRole("button", { name: "Notify me of answers" }).click();
    const stop = page.getByRole("button", { name: "Stop notifying me" });
    await stop.waitFor();
    const devices = async () => (await ask("GET", "users/me/push", tokenOf(customer))).items.length;
    await until(devices, (count) => count === 1);
    const worker = await ServiceWorker.of(page, at);

    // An answer that was read on the open page is no push, and the one that comes after the customer has left is the first.
    await writes(staff, "order-17", "I am looking.");
    await message(chat, "I am looking.").waitFor();
    await ask("POST", "conversations/order-17/read", tokenOf(customer), {});
    await page.goto("about:blank");
    const presence = () => ask("GET", `users/${customer}/presence`, tokenOf("shop", { role: "service" }));
    await until(presence, ({ status }) => status === "offline");
    await writes(staff, "order-17", "It leaves tomorrow.");
    await worker.deliver(await service.next());
    const [{ title, body }] = await worker.shown(1);
    const { opened: address, left } = await worker.click();
    report("pushed", { title, body, address, left });

    // What the customer reads on another device is removed here.
    await writes(staff, "order-17", "It arrives on Friday.");
    await worker.deliver(await service.next());
    await worker.shown(1);
    await ask("POST", "conversations/order-17/read", tokenOf(customer), {});
    await worker.deliver(await service.next());
    await worker.shown(0);

    // The page knows at its next start that the notifications are on, and turns them off.
    await page.goto(`${at}/orders/17/`);
    await stop.click();
    await page.getByRole("button", { name: "Notify me of answers" }).waitFor();
    report("stopped", { subscribed: await page.evaluate(() => localStorage.getItem("subscribed")) });
  } finally {
    service.stop();
  }
}

async function signIn(page, name, password) {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}
