// Drives the page at `/` in a real browser.
//
//   node page.mjs CHROMIUM URL SCENARIO
//
// Prints one line of JSON for each thing that happened; the last one has what the browser complained about. A scenario
// that fails ends with status 1 and says on standard error what was waited for.
import { chromium } from "playwright-core";

const [executablePath, url, scenario] = process.argv.slice(2);
const DEADLINE_MS = 20_000;
const MARKUP = "<img src=x onerror=alert(1)>";

const browser = await chromium.launch({
  executablePath,
  args: [
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
const complaints = [];

function report(happened, details = {}) {
  console.log(JSON.stringify({ happened, ...details }));
}

// A browser with nothing in it, at the page. What it logs is a complaint, unless `expected` matches it.
async function visit({ expected = /^$/, path = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 700 }, ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => {
      console.error(`against the policy: ${violatedDirective}`);
    });
  });
  const page = await context.newPage();
  const complain = (text) => expected.test(text) || complaints.push(text);
  page.on("console", (message) => message.type() !== "debug" && complain(message.text()));
  page.on("pageerror", (error) => complain(String(error)));
  page.on("dialog", async (dialog) => {
    complain(`dialog: ${dialog.message()}`);
    await dialog.accept();
  });
  await page.goto(url + path);
  return page;
}

async function visitAs(user, options) {
  const page = await visit(options);
  await page.getByRole("button", { name: user, exact: true }).click();
  await conversations(page).first().waitFor();
  return page;
}

const conversations = (page) => page.locator("#conversations a");
const messages = (page) => page.locator("#messages .message:not(.unsent) p");
const message = (page, content) => messages(page).getByText(content, { exact: true });
const field = (page, label) => page.locator("dialog[open], #account:visible").getByLabel(label, { exact: true });

async function open(page, name) {
  await conversations(page).filter({ has: page.getByText(name, { exact: true }) }).click();
  await opened(page, name);
}

// Waits until a conversation is on the screen and its newest messages are, if it has any.
async function opened(page, name) {
  await page.getByRole("heading", { name, exact: true }).waitFor();
  await page.locator("#note").filter({ hasNotText: "Loading…" }).waitFor({ state: "attached" });
}

async function say(page, content) {
  await page.getByLabel("Message", { exact: true }).fill(content);
  await page.keyboard.press("Enter");
}

async function start(page, fields) {
  await page.getByRole("button", { name: "New conversation" }).click();
  if ("Name" in fields) await page.getByLabel("Group").check();
  for (const [label, value] of Object.entries(fields)) await field(page, label).fill(value);
  await page.getByRole("button", { name: "Start", exact: true }).click();
}

// Fills in the form for signing in, or the other one where there is a name.
async function submitAccount(page, fields) {
  const registers = await field(page, "Name").isVisible();
  if (registers !== "Name" in fields) await page.locator("#account-other").click();
  for (const [label, value] of Object.entries(fields)) await field(page, label).fill(value);
  await page.locator("#account-go").click();
}

async function post(path, user, body) {
  const answer = await fetch(`${url}/api/v1/${path}?userId=${user}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
}

// Waits until the other side has read a report and written a line.
const answers = (async function* () {
  for await (const chunk of process.stdin) yield* String(chunk).split("\n").filter(Boolean);
})();

const scenarios = {
  async talk() {
    const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
    await open(alice, "general");
    await open(bob, "general");
    await say(alice, "Hello!\nTwo lines.");
    await message(bob, "Hello!\nTwo lines.").waitFor();
    await bob.locator("#announcer").filter({ hasText: "Hello!" }).waitFor({ state: "attached" });
    report("announced", { text: await bob.locator("#announcer").textContent() });

    await bob.getByLabel("Message", { exact: true }).pressSequentially("Hi");
    await alice.getByText("bob is typing…").waitFor();
    await bob.keyboard.press("Enter");
    await message(alice, "Hi").waitFor();
    report("talked", {
      alice: await messages(alice).allTextContents(),
      bob: await messages(bob).allTextContents(),
      typing: await alice.locator("#typing").textContent(),
    });

    await start(alice, { "User id": "bob" });
    await opened(alice, "bob");
    await say(alice, "Only you");
    await conversations(bob).filter({ hasText: "alice: Only you" }).getByText("new", { exact: true }).waitFor();
    await open(bob, "alice");
    report("talked directly", { bob: await messages(bob).allTextContents() });

    await start(bob, { Name: "Plans", "User ids, separated by commas": "alice, carol" });
    await opened(bob, "Plans");
    await open(alice, "Plans");
    report("met in a group", { members: await alice.locator("#members").textContent() });
  },

  async history() {
    for (let number = 1; number <= 120; number++) {
      await post("messages", "bob", { conversationId: "talk-123", content: `Message ${number}` });
    }
    const alice = await visitAs("alice", { path: "/#/conversation/talk-123" });
    await message(alice, "Message 120").waitFor();
    const counts = [await messages(alice).count()];
    const end = await alice.locator("#scroller").evaluate((it) => it.scrollHeight - it.scrollTop - it.clientHeight);
    for (const oldest of ["Message 21", "Message 1"]) {
      await alice.getByRole("button", { name: "Older messages" }).click();
      await message(alice, oldest).waitFor();
      counts.push(await messages(alice).count());
    }
    const all = await messages(alice).allTextContents();
    report("read back", {
      counts,
      at_end: end < 2,
      in_order: all.every((text, index) => text === `Message ${index + 1}`),
      older: await alice.getByRole("button", { name: "Older messages" }).isVisible(),
    });
    await alice.locator("#scroller").evaluate((it) => (it.scrollTop = 0));
    await post("messages", "bob", { conversationId: "talk-123", content: "Newest" });
    await alice.getByRole("button", { name: "New messages" }).click();
    await alice.getByRole("button", { name: "New messages" }).waitFor({ state: "hidden" });
  },

  async refusal() {
    const alice = await visitAs("alice", { expected: /status of 422/ });
    await open(alice, "conv-456");
    await say(alice, "nothing \0 stores this");
    const reason = alice.locator(".unsent .problem");
    await reason.waitFor();
    report("refused", { reason: await reason.textContent() });
    await reason.getByRole("button", { name: "Try again" }).click();
    await reason.getByRole("button", { name: "Discard" }).click();
    await alice.locator(".unsent").waitFor({ state: "detached" });
    await start(alice, { "User id": "nobody" });
    await alice.getByText("no such user").waitFor();
    await alice.keyboard.press("Escape");
    await alice.locator("dialog").waitFor({ state: "hidden" });
    await say(alice, "x".repeat(65_537));
    report("too long", {
      kept: (await alice.getByLabel("Message", { exact: true }).inputValue()).length,
      reason: await alice.locator("#text").evaluate((text) => text.validationMessage),
    });
  },

  // Whoever runs this kills the server and starts it again, and answers when that is done.
  async reconnection() {
    const expected = /WebSocket connection to|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;
    const [alice, bob] = [await visitAs("alice", { expected }), await visitAs("bob", { expected })];
    await open(alice, "general");
    await open(bob, "general");
    await say(bob, "Before");
    await message(alice, "Before").waitFor();
    report("talking");
    for (let number = 1; number <= 40; number++) await say(alice, `Message ${number}`);
    await alice.getByText("No connection. Trying again…").waitFor();
    await say(alice, "Typed while disconnected");
    report("disconnected", { waiting: await alice.locator(".unsent").last().textContent() });
    await answers.next();
    await alice.locator("#connection").waitFor({ state: "hidden" });
    await bob.locator("#connection").waitFor({ state: "hidden" });
    await message(bob, "Typed while disconnected").waitFor();
    await alice.locator(".unsent").first().waitFor({ state: "detached" });
    await say(bob, "After");
    await message(alice, "After").waitFor();
    const seen = [await messages(alice).allTextContents(), await messages(bob).allTextContents()];
    await alice.reload();
    await message(alice, "After").waitFor();
    report("reconnected", { alice: seen[0], bob: seen[1], reloaded: await messages(alice).allTextContents() });
  },

  async account() {
    const dora = await visit({ expected: /status of 401/ });
    const account = { "E-mail": "dora@example.com", Password: "correct horse" };
    await submitAccount(dora, { Name: "Dora", ...account });
    await dora.locator("#me").getByText("Dora").waitFor();
    await dora.reload();
    await dora.locator("#me").getByText("Dora").waitFor();
    await dora.getByRole("button", { name: "Sign out" }).click();
    await submitAccount(dora, { ...account, Password: "wrong" });
    await dora.locator("#account .problem:not(:empty)").waitFor();
    report("refused", { reason: await dora.locator("#account .problem").textContent() });
    await submitAccount(dora, account);
    await start(dora, { "User id": "alice" });
    await say(dora, "Signed in");
    await message(dora, "Signed in").waitFor();
    report("signed in", { kept: await dora.evaluate(() => Object.keys({ ...localStorage })) });
  },

  // The server's tokens are good for very few seconds.
  async expiry() {
    const erik = await visit({ expected: /status of 401/ });
    await submitAccount(erik, { Name: "Erik", "E-mail": "erik@example.com", Password: "correct horse" });
    await start(erik, { "User id": "alice" });
    await say(erik, "Before");
    await message(erik, "Before").waitFor();
    await erik.waitForResponse((response) => response.url().endsWith("/auth/refresh") && response.ok());
    await say(erik, "After");
    await message(erik, "After").waitFor();
    report("renewed", { messages: await messages(erik).allTextContents() });
  },

  async markup() {
    const mallory = await visit();
    await submitAccount(mallory, { Name: MARKUP, "E-mail": "mallory@example.com", Password: "correct horse" });
    await start(mallory, { Name: MARKUP, "User ids, separated by commas": "alice" });
    await opened(mallory, MARKUP);
    await say(mallory, MARKUP);
    const alice = await visitAs("alice");
    await open(alice, MARKUP);
    await message(alice, MARKUP).waitFor();
    await mallory.getByLabel("Message", { exact: true }).pressSequentially("x");
    await alice.getByText(`${MARKUP} is typing…`).waitFor();
    report("shown as text", {
      author: await alice.locator(".byline strong").textContent(),
      listed: await conversations(alice).first().locator("strong").textContent(),
      images: await alice.locator("#chat img").count(),
    });
  },

  async narrow() {
    const widths = {};
    const bob = await visit({ viewport: { width: 320, height: 560 }, path: "/#/" });
    const measure = async (what) => {
      widths[what] = await bob.evaluate(() => document.documentElement.scrollWidth);
    };
    await bob.getByRole("button", { name: "bob", exact: true }).waitFor();
    await measure("entrance");
    await bob.getByRole("button", { name: "bob", exact: true }).focus();
    await bob.keyboard.press("Enter");
    await conversations(bob).first().waitFor();
    await measure("list");
    await conversations(bob).filter({ hasText: "test-conv" }).focus();
    await bob.keyboard.press("Enter");
    await say(bob, "x".repeat(500));
    await messages(bob).first().waitFor();
    await measure("conversation");
    await bob.getByRole("link", { name: "All conversations" }).focus();
    await bob.keyboard.press("Enter");
    await bob.getByRole("button", { name: "New conversation" }).press("Enter");
    await field(bob, "User id").waitFor();
    await measure("dialog");
    report("measured", { widths });
  },
};

try {
  await scenarios[scenario]();
  report("done", { complaints });
} finally {
  await browser.close();
}
process.exit(0);
