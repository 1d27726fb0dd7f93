import { readFile } from "node:fs/promises";
import {
  act,
  call,
  composer,
  conversations,
  hover,
  message,
  open,
  opened,
  openSettings,
  post,
  report,
  say,
  start,
  url,
  visit,
  visitAs,
} from "../browser.mjs";

const AXE = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// What lies in front of everything is in no landmark. Of the grid of all emoji, the library counts rows from 0.
const EXCEPT = ["region"];
// A picture of one dot.
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

// Returns what axe finds wrong in what is on the screen now: by all rules in the light look, and by those about colors in
// the dark one, as nothing else differs.
async function violations(page, screen) {
  // The browser runs it past the page's policy.
  await page.evaluate(AXE);
  const found = [];
  for (const look of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: look });
    for (const { id, nodes } of await page.evaluate(brokenRules, { tags: RULES, except: EXCEPT, look }))
      for (const { html, failureSummary } of nodes)
        found.push(`${screen}, ${look}: ${id}: ${html.slice(0, 160)}: ${failureSummary}`);
  }
  return found;
}

// Runs in the page.
async function brokenRules({ tags, except, look }) {
  // Until no color is on its way from one look to the other.
  const transitions = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
  await Promise.allSettled(transitions.map(({ finished }) => finished));
  const skipped = ({ ruleId, tags }) => except.includes(ruleId) || (look === "dark" && !tags.includes("cat.color"));
  const rules = window.axe.getRules().filter(skipped).map(({ ruleId }) => [ruleId, { enabled: false }]);
  const options = {
    runOnly: { type: "tag", values: tags },
    rules: Object.fromEntries(rules),
    // Otherwise axe describes at length what passes.
    resultTypes: ["violations"],
  };
  return (await window.axe.run({ exclude: [["[frimousse-list]"]] }, options)).violations;
}

async function content() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Everything" });
  const send = (user, text, more = {}) => post("messages", user, { conversationId: id, content: text, ...more });
  const first = await send("bob", "A **bold** word, a [link](https://example.com/), and `code`.");
  await send("alice", "```js\nconst answer = 42;\n```\n\n> A quote\n\n1. one\n2. two");
  await send("bob", "- [ ] to do\n- [x] done\n- listed");
  await call("PUT", "users/me/presence", "alice", { status: "online", text: "On a train" }).catch(() => null);
  const answer = await send("carol", "An answer", { replyToId: first.id });
  await call("PUT", `messages/${answer.id}/reactions/${encodeURIComponent("👍")}`, "bob");
  await call("PATCH", `messages/${answer.id}`, "carol", { content: "An answer, edited" });
  await send("bob", "In a thread", { threadId: first.id });
  await call("PUT", `messages/${first.id}/pin`, "alice");
  const gone = await send("bob", "Gone");
  await call("DELETE", `messages/${gone.id}`, "bob");
  await post(`conversations/${id}/offers`, "bob", { title: "A bicycle", amount: 12_000, currency: "EUR", description: "Blue" });
  await send("bob", "A picture", { attachments: [{ id: await picture() }] });
  await send("bob", "Unread, for @alice");
  await post("conversations", "alice", { kind: "direct", memberIds: ["bob"] });
  return id;
}

async function picture() {
  const form = new FormData();
  form.append("file", new Blob([Buffer.from(PNG, "base64")], { type: "image/png" }), "dot.png");
  const answer = await fetch(`${url}/api/v1/files?userId=bob`, { method: "POST", body: form });
  return (await answer.json()).id;
}

// Each is a way to something that can be seen, from an open conversation, and the name that it has in a report.
const PLACES = {
  conversation: async () => {},
  actions: (page) => hover(page.locator(".message").first()),
  menu: async (page) => {
    await page.locator(".message").first().focus();
    await page.locator(".message").first().getByRole("button", { name: "More actions" }).press("Enter");
    await page.getByRole("menu").waitFor();
  },
  "emoji picker": async (page) => {
    await page.locator(".composer").getByRole("button", { name: "Emoji" }).click();
    // Until the emoji are there, what scrolls has nothing in it that the keyboard could reach.
    await page.locator(".emoji-popup").getByRole("gridcell").first().waitFor();
  },
  details: (page) => panel(page, "Details"),
  search: (page) => panel(page, "Search"),
  offers: (page) => panel(page, "Offers"),
  // Pins come after the conversation, and stand in its header on all screens.
  pins: async (page) => {
    await page.locator(".conversation > header").getByRole("button", { name: /pinned message/ }).click();
    await page.locator(".panel").waitFor();
  },
  thread: async (page) => {
    await page.locator(".scroller").evaluate((it) => it.scrollTo(0, 0));
    await page.locator(".message").getByRole("button", { name: /repl/i }).first().click();
    await page.locator(".panel").waitFor();
  },
  person: async (page) => {
    await page.locator(".scroller").evaluate((it) => it.scrollTo(0, 0));
    await page.locator(".message header").getByRole("button", { name: "bob", exact: true }).first().press("Enter");
    await page.getByRole("dialog", { name: "bob" }).waitFor();
  },
  viewer: async (page) => {
    await page.locator(".scroller").evaluate((it) => it.scrollTo(0, it.scrollHeight));
    await page.locator(".picture").first().press("Enter");
    await page.getByRole("dialog", { name: "Picture" }).waitFor();
  },
  forwarding: (page) => chosen(page, "Forward"),
  deleting: (page) => chosen(page, "Delete"),
  "keyboard shortcuts": async (page) => {
    await page.locator(".scroller").press("?");
    await page.locator("dialog[open]").waitFor();
  },
  "quick switcher": async (page) => {
    await page.keyboard.press("Control+k");
    await page.locator("dialog[open]").waitFor();
  },
};

// From the list of conversations.
const AT_LIST = {
  list: async () => {},
  "account menu": async (page) => {
    await page.getByRole("button", { name: /^Your account/ }).click();
    await page.getByRole("menu").waitFor();
  },
  settings: (page) => openSettings(page, "Profile"),
  "notification settings": async (page) => {
    await openSettings(page, "Notifications");
    await page.getByRole("tabpanel", { name: "Notifications" }).waitFor();
  },
  "device settings": (page) => openSettings(page, "Devices"),
  "privacy settings": (page) => openSettings(page, "Privacy"),
  "account settings": (page) => openSettings(page, "Account"),
  "deleting the account": async (page) => {
    await openSettings(page, "Account");
    await page.getByRole("button", { name: "Delete my account" }).click();
    await page.getByRole("dialog", { name: "Delete your account?" }).waitFor();
  },
  calling: async (page) => {
    await conversations(page).filter({ has: page.locator(".name").getByText("bob", { exact: true }) }).click();
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.getByText("Ringing…").waitFor();
  },
  notifications: async (page) => {
    await page.getByRole("button", { name: "Notifications" }).click();
    await page.locator(".notification-list, dialog[open], [role=dialog]").first().waitFor();
  },
  "browse channels": async (page) => {
    await page.getByRole("button", { name: "Browse public conversations" }).click();
    await page.locator("dialog[open]").waitFor();
  },
  "new conversation": async (page) => {
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.locator("dialog[open]").waitFor();
  },
  "offer of notifications": async (page) => {
    // Permissions that are not granted with others are denied.
    await page.context().clearPermissions();
    await post("messages", "bob", { conversationId: "general", content: "News" });
    await page.getByRole("region", { name: "Notifications" }).waitFor();
  },
};

async function panel(page, name) {
  const header = page.locator(".conversation > header");
  await header.getByRole("button", { name: "Details" }).waitFor();
  const button = header.getByRole("button", { name });
  if (await button.isVisible()) {
    await button.click();
  } else {
    await header.getByRole("button", { name: /^More/ }).click();
    await page.getByRole("menuitem", { name }).click();
  }
  await page.locator(".panel").waitFor();
}

async function chosen(page, name) {
  await page.locator(".scroller").evaluate((it) => it.scrollTo(0, 0));
  const mine = page.locator(".message.mine").filter({ has: page.locator("pre") });
  await mine.scrollIntoViewIfNeeded();
  await mine.focus();
  await mine.getByRole("button", { name: "More actions" }).press("Enter");
  await page.getByRole("menuitem", { name, exact: true }).click();
  await page.locator("dialog[open]").waitFor();
}

async function everyScreen(options) {
  const found = [];
  const visited = [];
  const check = async (page, screen) => {
    found.push(...(await violations(page, screen)));
    visited.push(screen);
  };
  const entrance = await visit(options);
  await entrance.getByRole("button", { name: "Maya Lindgren" }).waitFor();
  await check(entrance, "entrance");
  await entrance.locator(".entrance form button.quiet").click();
  await check(entrance, "register");
  await entrance.context().close();
  const id = (await conversationCalled("Everything")) ?? (await content());
  for (const [places, fragment] of [
    [AT_LIST, ""],
    [PLACES, `#/conversation/${id}`],
  ]) {
    const page = await visitAs("alice", options);
    for (const [name, go] of Object.entries(places)) {
      // Another query makes the browser load the page again.
      await page.goto(`${url}/?${encodeURIComponent(name)}${fragment}`);
      await (fragment === "" ? conversations(page).first() : page.locator(".message").first()).waitFor();
      // It takes the focus once the page knows that one may write there.
      if (places === PLACES) await page.locator(".composer textarea:focus").waitFor();
      await go(page);
      await check(page, name);
    }
    await page.context().close();
  }
  return { found, visited };
}

async function conversationCalled(name) {
  const { items } = await call("GET", "conversations", "alice");
  return items.find((conversation) => conversation.name === name)?.id;
}

async function screens(viewport) {
  const { found, visited } = await everyScreen({ viewport, permissions: ["microphone"] });
  report("looked at", { found, screens: visited.length });
}

export const wide = () => screens({ width: 1280, height: 800 });
export const narrow = () => screens({ width: 320, height: 640 });

export async function stillness() {
  const page = await visitAs("alice", { reducedMotion: "reduce" });
  await start(page, ["bob"]);
  await opened(page, "bob");
  await say(page, "nothing moves");
  await act(page, "nothing moves", "React with 👍");
  await page.getByRole("button", { name: "👍, 1" }).waitFor();
  const moving = await page.evaluate(() =>
    document
      .getAnimations()
      .filter(({ playState }) => playState === "running")
      .map(({ effect }) => effect.target.className),
  );
  report("stood still", { moving });
}

export async function speaking() {
  const page = await visitAs("carol");
  await open(page, "general");
  const said = page.locator(".announcer[aria-live=polite]");
  await composer(page).waitFor();
  await post("messages", "bob", { conversationId: "general", content: "for the ears" });
  await message(page, "for the ears").waitFor();
  await said.getByText("bob: for the ears").waitFor({ state: "attached" });
  await post("messages", "bob", { conversationId: "test-conv", content: "elsewhere" }).catch(() => null);
  report("said", { text: await said.textContent() });
}
