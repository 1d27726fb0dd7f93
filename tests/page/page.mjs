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

const conversations = (page) => page.locator(".conversations a");
const messages = (page) => page.locator(".message:not(.letter) .text");
const message = (page, content) => messages(page).getByText(content, { exact: true });
const letters = (page) => page.locator(".letter");
const composer = (page) => page.getByRole("textbox", { name: "Message", exact: true });
const field = (page, label) => page.locator("dialog[open], .entrance form").getByLabel(label, { exact: true });

async function open(page, name) {
  await conversations(page).filter({ has: page.getByText(name, { exact: true }) }).click();
  await opened(page, name);
}

async function opened(page, name) {
  await page.getByRole("heading", { name, exact: true }).waitFor();
  await composer(page).waitFor();
}

async function say(page, content) {
  await composer(page).fill(content);
  await page.keyboard.press("Enter");
}

async function choose(page, name) {
  await field(page, "Find people").fill(name);
  await page.locator(".found button").getByText(name, { exact: true }).click();
}

// With one person directly, with several in a group of this name.
async function start(page, names, group) {
  await page.getByRole("button", { name: "New conversation" }).click();
  for (const name of names) await choose(page, name);
  if (group !== undefined) await field(page, "Name of the group").fill(group);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.locator("dialog").waitFor({ state: "detached" });
}

// Fills in the form for signing in, or the other one where there is a name.
async function submitAccount(page, fields) {
  const registers = await field(page, "Name").isVisible();
  if (registers !== "Name" in fields) await page.locator(".entrance form button.quiet").click();
  for (const [label, value] of Object.entries(fields)) await field(page, label).fill(value);
  await page.locator(".entrance form button.primary").click();
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
    await bob.locator(".announcer").filter({ hasText: "Hello!" }).waitFor({ state: "attached" });
    report("announced", { text: await bob.locator(".announcer").textContent() });

    await composer(bob).pressSequentially("Hi");
    await alice.getByText("bob is typing…").waitFor();
    await bob.keyboard.press("Enter");
    await message(alice, "Hi").waitFor();
    report("talked", {
      alice: await messages(alice).allTextContents(),
      bob: await messages(bob).allTextContents(),
      typing: await alice.locator(".typing").textContent(),
    });

    await start(alice, ["bob"]);
    await opened(alice, "bob");
    await say(alice, "Only you");
    const unread = conversations(bob).filter({ hasText: "Only you" });
    await unread.getByTitle("1 unread").waitFor();
    report("told of it", { title: await bob.title() });
    await open(bob, "alice");
    await message(bob, "Only you").waitFor();
    await alice.getByRole("img", { name: "Read" }).waitFor();
    await conversations(bob).getByTitle("1 unread").waitFor({ state: "detached" });
    report("talked directly", { bob: await messages(bob).allTextContents(), title: await bob.title() });

    await start(bob, ["alice", "carol"], "Plans");
    await opened(bob, "Plans");
    await open(alice, "Plans");
    report("met in a group", { members: await alice.locator(".subtitle").textContent() });
  },

  // What is out of sight is not in the document, and what is loaded above moves nothing.
  async history() {
    for (let number = 1; number <= 400; number++) {
      await post("messages", "bob", { conversationId: "talk-123", content: `Message ${number}` });
    }
    await post("conversations/talk-123/read", "alice", {});
    const alice = await visitAs("alice", { path: "/#/conversation/talk-123" });
    await message(alice, "Message 400").waitFor();
    const newest = alice.getByRole("button", { name: "Jump to newest" });
    let most = 0;
    let jumps = 0;
    for (let tries = 0; tries < 400 && !(await message(alice, "Message 1").isVisible()); tries++) {
      most = Math.max(most, await messages(alice).count());
      const [before, after] = await alice.locator(".scroller").evaluate(async (it) => {
        const frame = () => new Promise(requestAnimationFrame);
        it.scrollTop = Math.max(it.scrollTop - 500, 1);
        for (let frames = 0; frames < 3; frames++) await frame();
        // Whoever has stopped scrolling sees one that stays where it is while the page above it is loaded.
        const seen = [...it.querySelectorAll(".message")].find((each) => each.getBoundingClientRect().top > 100);
        const before = seen.getBoundingClientRect().top;
        for (let frames = 0; frames < 10; frames++) await frame();
        return [before, seen.isConnected ? seen.getBoundingClientRect().top : before];
      });
      if (Math.abs(after - before) > 2) jumps++;
    }
    await newest.click();
    await message(alice, "Message 400").waitFor();
    await alice.locator(".scroller").evaluate((it) => (it.scrollTop -= 1500));
    await newest.waitFor();
    await post("messages", "bob", { conversationId: "talk-123", content: "Newest" });
    await conversations(alice).getByText("bob: Newest").waitFor();
    const stayed = await newest.isVisible();
    await newest.click();
    await message(alice, "Newest").waitFor();
    await alice.goto(`${url}/#/`);
    for (let number = 1; number <= 120; number++) {
      await post("messages", "bob", { conversationId: "talk-123", content: `Unread ${number}` });
    }
    await conversations(alice).getByTitle("120 unread").click();
    await alice.locator(".unread-from").waitFor();
    await message(alice, "Unread 1").waitFor();
    const opens = await alice.locator(".unread-from").evaluate((it) => it.getBoundingClientRect().top);
    report("read back", { most, jumps, stayed, opens_at_unread: opens > 0 && opens < 300 });
  },

  async changes() {
    const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
    await open(alice, "test-conv");
    await open(bob, "test-conv");
    await say(alice, "frist");
    const act = async (page, content, name) => {
      const at = page.locator(".message").filter({ has: page.locator(".text").getByText(content, { exact: true }) });
      await at.hover();
      await at.getByRole("button", { name, exact: true }).click();
    };
    await composer(alice).fill("a draft");
    await act(alice, "frist", "Edit");
    await composer(alice).fill("first");
    await alice.keyboard.press("Enter");
    await message(bob, "first").waitFor();
    const draft = await composer(alice).inputValue();
    await composer(alice).fill("");
    await act(bob, "first", "React with 👍");
    await alice.getByRole("button", { name: "👍, 1" }).click();
    await bob.getByRole("button", { name: "👍, 2" }).click();
    await alice.getByRole("button", { name: "👍, 1" }).waitFor();
    await act(bob, "first", "Reply");
    await say(bob, "second");
    await message(alice, "second").waitFor();
    const quoted = await alice.locator(".quote").textContent();
    await act(alice, "first", "Delete");
    await bob.getByText("This message was deleted.").waitFor();
    report("changed", { draft, quoted, edited: await bob.locator(".edited").count() });
  },

  async refusal() {
    const alice = await visitAs("alice");
    await open(alice, "conv-456");
    await say(alice, "nothing \0 stores this");
    const reason = letters(alice).locator(".problem");
    await reason.waitFor();
    report("refused", { reason: await reason.textContent() });
    await alice.reload();
    await reason.getByRole("button", { name: "Try again" }).click();
    await reason.getByRole("button", { name: "Discard" }).click();
    await letters(alice).waitFor({ state: "detached" });
    await alice.getByRole("button", { name: "New conversation" }).click();
    await field(alice, "Find people").fill("nobody");
    await alice.getByText("Nobody of that name.").waitFor();
    await alice.keyboard.press("Escape");
    await alice.locator("dialog").waitFor({ state: "hidden" });
    await say(alice, "x".repeat(65_537));
    report("too long", {
      kept: (await composer(alice).inputValue()).length,
      reason: await alice.locator(".composer .problem:not(:empty)").textContent(),
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
    await alice.getByText("Reconnecting…").waitFor();
    await say(alice, "Typed while disconnected");
    report("disconnected", { waiting: await letters(alice).last().textContent() });
    await answers.next();
    await alice.locator(".connection").waitFor({ state: "detached" });
    await bob.locator(".connection").waitFor({ state: "detached" });
    await message(bob, "Typed while disconnected").waitFor();
    await letters(alice).first().waitFor({ state: "detached" });
    await say(bob, "After");
    await message(alice, "After").waitFor();
    const said = async () => {
      const answer = await fetch(`${url}/api/v1/conversations/general/messages?limit=100&userId=carol`);
      return (await answer.json()).items.map(({ content }) => content);
    };
    const shown = [await messages(alice).allTextContents(), await messages(bob).allTextContents()];
    await alice.reload();
    await message(alice, "After").waitFor();
    report("reconnected", { stored: await said(), shown, reloaded: await messages(alice).allTextContents() });
  },

  // What was written while the server was away is there after a reload, and leaves when the server is back.
  async outbox() {
    const expected = /WebSocket connection to|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INTERNET/;
    const alice = await visitAs("alice", { expected });
    await open(alice, "general");
    await alice.context().setOffline(true);
    await alice.evaluate(() => undefined);
    report("talking");
    await alice.getByText("Reconnecting…").waitFor();
    for (const content of ["first", "second", "third"]) await say(alice, content);
    await letters(alice).nth(2).waitFor();
    await answers.next();
    await alice.context().setOffline(false);
    await alice.reload();
    await letters(alice).first().waitFor({ state: "detached" });
    await message(alice, "third").waitFor();
    report("sent", { messages: await messages(alice).allTextContents() });
  },

  async account() {
    const dora = await visit({ expected: /status of 401/ });
    const account = { "E-mail": "dora@example.com", Password: "correct horse" };
    const me = (page) => page.locator("aside header").getByText("Dora");
    await submitAccount(dora, { Name: "Dora", ...account });
    await me(dora).waitFor();
    await dora.reload();
    await me(dora).waitFor();
    const tab = await dora.context().newPage();
    await tab.goto(url);
    await me(tab).waitFor();
    await tab.close();
    await dora.getByRole("button", { name: "Sign out" }).click();
    await submitAccount(dora, { ...account, Password: "wrong" });
    await dora.locator(".entrance .problem:not(:empty)").waitFor();
    report("refused", { reason: await dora.locator(".entrance .problem").textContent() });
    const kept = await dora.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage }));
    await submitAccount(dora, account);
    await start(dora, ["alice"]);
    await say(dora, "Signed in");
    await message(dora, "Signed in").waitFor();
    report("signed in", { kept });
  },

  // The server's tokens are good for very few seconds.
  async expiry() {
    const erik = await visit({ expected: /status of 401/ });
    await submitAccount(erik, { Name: "Erik", "E-mail": "erik@example.com", Password: "correct horse" });
    await start(erik, ["alice"]);
    await say(erik, "Before");
    await message(erik, "Before").waitFor();
    for (let renewals = 0; renewals < 2; renewals++) {
      await erik.waitForResponse((response) => response.url().endsWith("/auth/refresh") && response.ok());
    }
    await say(erik, "After");
    await message(erik, "After").waitFor();
    report("renewed", { messages: await messages(erik).allTextContents() });
  },

  async markup() {
    const mallory = await visit();
    await submitAccount(mallory, { Name: MARKUP, "E-mail": "mallory@example.com", Password: "correct horse" });
    await start(mallory, ["alice", "bob"], MARKUP);
    await opened(mallory, MARKUP);
    await say(mallory, MARKUP);
    await say(mallory, "[click](javascript:alert(1)) ![x](https://example.com/x.png) <script>alert(1)</script>");
    const alice = await visitAs("alice");
    await open(alice, MARKUP);
    await message(alice, MARKUP).waitFor();
    await composer(mallory).pressSequentially("x");
    await alice.getByText(`${MARKUP} is typing…`).waitFor();
    report("shown as text", {
      author: await alice.locator(".message .name").first().textContent(),
      listed: await conversations(alice).first().locator(".name").textContent(),
      images: await alice.locator("img, script:not([type=module])").count(),
      links: await alice.locator(".text a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))),
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
    await composer(bob).waitFor();
    await bob.keyboard.type("x".repeat(500));
    await bob.keyboard.press("Enter");
    await messages(bob).first().waitFor();
    await measure("conversation");
    await bob.getByRole("link", { name: "Back to conversations" }).focus();
    await bob.keyboard.press("Enter");
    await bob.getByRole("button", { name: "New conversation" }).press("Enter");
    await field(bob, "Find people").waitFor();
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
