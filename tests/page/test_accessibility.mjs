// What axe finds wrong on the page, on every screen, and what people with a screen reader or without motion get.
import { deepEqual, equal, ok } from "node:assert/strict";
import { articleNames, violations } from "./axe.mjs";
import {
  act,
  call,
  composer,
  conversations,
  holdable,
  hover,
  letters,
  listed,
  message,
  open,
  opened,
  openSettings,
  post,
  say,
  start,
  until,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const SCREENS = 68;

// A picture of one dot.
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
// A sound without a sample.
const WAV = Buffer.from("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=", "base64");

const LINKED = "See https://example.com/about";
const PREVIEW = { url: "https://example.com/about", title: "About us", description: "Who we are", siteName: "Example" };

async function content() {
  const group = { kind: "group", memberIds: ["bob", "carol"], name: "Everything" };
  const { id } = await post("conversations", "alice", group);
  const send = (user, text, more = {}) => post("messages", user, { conversationId: id, content: text, ...more });
  await call("PATCH", `conversations/${id}`, "alice", { topic: "See https://example.com/", description: "Everything" });
  const first = await send("bob", "A **bold** word, a [link](https://example.com/), and `code`.");
  await send("alice", "```js\nconst answer = 42;\n```\n\n> A quote\n\n1. one\n2. two");
  await send("bob", "- [ ] to do\n- [x] done\n- listed");
  await call("PUT", "users/me/presence", "alice", { status: "online", text: "On a train" }).catch(() => null);
  const answer = await send("carol", "An answer", { replyToId: first.id });
  await call("PUT", `messages/${answer.id}/reactions/${encodeURIComponent("👍")}`, "bob");
  await call("PATCH", `messages/${answer.id}`, "carol", { content: "An answer, edited" });
  await send("bob", "In a thread, for @alice", { threadId: first.id });
  await call("PUT", `messages/${first.id}/pin`, "alice");
  const gone = await send("bob", "Gone");
  await call("DELETE", `messages/${gone.id}`, "bob");
  const offer = { title: "A bicycle", amount: 12_000, currency: "EUR", description: "Blue" };
  await post(`conversations/${id}/offers`, "bob", offer);
  const dot = { id: await file("image/png", "dot.png", Buffer.from(PNG, "base64")) };
  await send("bob", "A picture", { attachments: [dot] });
  // Anyone who asks exists.
  await call("GET", "users/me", "dave");
  await post(`conversations/${id}/members`, "alice", { userIds: ["dave"] });
  const voice = { id: await file("audio/wav", "voice.wav", WAV), durationMs: 1_500, waveform: [0, 50, 100, 50] };
  await send("bob", "", { attachments: [voice] });
  await send("bob", LINKED, { attachments: [{ id: await file("text/plain", "notes.txt", "one\ntwo") }] });
  await send("bob", "Unread, for @alice");
  const { id: direct } = await post("conversations", "alice", { kind: "direct", memberIds: ["bob"] });
  await post("messages", "bob", { conversationId: direct, content: "Call me" });
  // Alice is muted in one, hides what dave says, and is no member of the other.
  const members = { kind: "group", memberIds: ["alice", "dave"], name: "Restricted" };
  const restricted = await post("conversations", "bob", members);
  await call("PUT", "users/me/blocks/dave", "alice");
  await post("messages", "dave", { conversationId: restricted.id, content: "Hidden" });
  await call("PUT", `conversations/${restricted.id}/mutes/alice`, "bob", { reason: "Too loud" });
  await post("conversations", "bob", { kind: "group", memberIds: ["carol"], name: "Open house", public: true });
  return id;
}

async function file(type, name, content) {
  const form = new FormData();
  form.append("file", new Blob([content], { type }), name);
  const answer = await fetch(`${url}/api/v1/files?userId=bob`, { method: "POST", body: form });
  return (await answer.json()).id;
}

// The server of the test fetches no pages. So the page's messages get what another server would have added.
async function withPreviews(page) {
  const sent = `"content":"${LINKED}"`;
  const added = `${sent},"previews":${JSON.stringify([PREVIEW])}`;
  await page.routeWebSocket(/socket\.io/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => socket.send(typeof frame === "string" ? frame.replaceAll(sent, added) : frame));
  });
}

// On narrow screens, another button shows those beside the field.
async function composerButton(page, name) {
  const button = page.locator(".composer").getByRole("button", { name, exact: true });
  const unfold = page.locator(".composer .unfold");
  if ((await unfold.isVisible()) && !(await button.isVisible())) await unfold.click();
  await button.click();
}

// The list may be on its way to where the reader left it, or where the unread messages begin.
async function scrollToEnd(page) {
  const scrolled = async () => {
    await page.locator(".scroller").evaluate((it) => it.scrollTo(0, it.scrollHeight));
    return page.locator(".file-card").first().isVisible();
  };
  if (!(await until(scrolled, Boolean))) throw new Error("the list does not come to its end");
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
  "context menu": async (page) => {
    await page.locator(".message").first().click({ button: "right", position: { x: 200, y: 10 } });
    await page.getByRole("menu", { name: "Message actions" }).waitFor();
  },
  "emoji search": async (page) => {
    await composerButton(page, "Emoji");
    await page.locator(".emoji-popup").getByRole("gridcell").first().waitFor();
    await page.locator(".emoji-popup").getByRole("searchbox").fill("heart");
    await page.locator(".emoji-found").waitFor();
  },
  "text file": async (page) => {
    await scrollToEnd(page);
    await page.locator(".file-card").getByRole("button", { name: "notes.txt", exact: true }).press("Enter");
    await page.locator("dialog[open] pre").waitFor();
  },
  "files, previews and notices": async (page) => {
    await scrollToEnd(page);
    for (const shown of [".link-preview", ".file-card", ".notice-line", ".voice"])
      await page.locator(shown).first().waitFor();
  },
  "voice recorder": async (page) => {
    // The recording that was left before is kept, and makes the composer higher.
    const kept = page.locator(".composer .pending-file").getByRole("button", { name: /^Remove / });
    for (; (await kept.count()) > 0; ) await kept.first().click();
    await composerButton(page, "Record a voice message");
    await page.getByRole("group", { name: "Recording a voice message" }).waitFor();
  },
  "emoji picker": async (page) => {
    await composerButton(page, "Emoji");
    // Until the emoji are there, what scrolls has nothing in it that the keyboard could reach.
    await page.locator(".emoji-popup").getByRole("gridcell").first().waitFor();
  },
  details: (page) => panel(page, "Details"),
  edit: async (page) => {
    await panel(page, "Details");
    await page.locator(".panel").getByRole("button", { name: "Edit", exact: true }).click();
    await page.locator("dialog[open]").waitFor();
  },
  search: (page) => panel(page, "Search"),
  offers: (page) => panel(page, "Offers", ".offer"),
  files: (page) => panel(page, "Files", ".picture"),
  // Pins come after the conversation, and stand in its header on all screens.
  pins: async (page) => {
    await page.locator(".conversation > header").getByRole("button", { name: /pinned message/ }).click();
    await page.locator(".panel .find").first().waitFor();
  },
  thread: async (page) => {
    await page.locator(".scroller").evaluate((it) => it.scrollTo(0, 0));
    await page.locator(".message").getByRole("button", { name: /repl/i }).first().click();
    await page.locator(".panel .message").nth(1).waitFor();
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
  "forward result": async (page) => {
    await chosen(page, "Forward");
    await page.getByRole("checkbox", { name: /^bob/ }).check();
    await page.locator("dialog").getByRole("button", { name: "Forward to bob" }).click();
    await page.locator(".toast").getByRole("button", { name: "Open" }).waitFor();
  },
  deleting: (page) => chosen(page, "Delete"),
  report: (page) => chosen(page, "Report message", page.locator(".message").first()),
  "seen by": async (page) => {
    await chosen(page, "Seen by");
    await page.locator(".receipts li").first().waitFor();
  },
  "reacted by": (page) => chosen(page, "Reactions", page.locator(".message:has(.edited)")),
  "edit history": async (page) => {
    await page.locator(".scroller").evaluate((it) => it.scrollTo(0, 0));
    await page.locator(".message .edited").press("Enter");
    await page.getByRole("dialog", { name: "Edit history" }).getByText("Version 2").waitFor();
  },
  "actions on a touch screen": async (page) => {
    await page.locator(".scroller").evaluate((it) => it.scrollTo(0, 0));
    // The messages that were in sight have left the document.
    await page.locator(".beginning").waitFor();
    const finger = { pointerType: "touch", isPrimary: true };
    await page.locator(".message").first().dispatchEvent("pointerdown", finger);
    await page.getByRole("dialog", { name: "Message actions" }).waitFor();
  },
  "invitation link": async (page) => {
    await inDetails(page, "Create invitation link");
    await page.locator("dialog").getByRole("button", { name: "Create invitation link" }).click();
    await page.getByLabel("Invitation link", { exact: true }).waitFor();
  },
  invite: (page) => inDetails(page, "Create invitation link"),
  "add people": async (page) => {
    await inDetails(page, "Add people");
    await page.locator("dialog input").focus();
    await page.locator(".found [role=option]").first().waitFor();
  },
  leave: (page) => inDetails(page, "Leave"),
  "delete conversation": (page) => inDetails(page, "Delete"),
  mute: (page) => inDetails(page, "Manage bob", "Mute…"),
  ban: (page) => inDetails(page, "Manage bob", "Ban…"),
  "new offer": async (page) => {
    await PLACES.offers(page);
    await page.getByRole("button", { name: "Make an offer" }).click();
    await page.locator("dialog[open]").waitFor();
  },
  "accept offer": async (page) => {
    await PLACES.offers(page);
    await page.locator(".panel").getByRole("button", { name: "Accept: A bicycle" }).click();
    await page.locator("dialog[open]").waitFor();
  },
  "keyboard shortcuts": async (page) => {
    await page.locator(".scroller").press("?");
    await page.locator("dialog[open]").waitFor();
  },
  "quick switcher": async (page) => {
    await page.keyboard.press("Control+k");
    await page.locator("dialog[open]").waitFor();
  },
  // Its file stays in the composer.
  "voice review": async (page) => {
    await PLACES["voice recorder"](page);
    // A shorter one may be empty.
    await page.getByRole("group", { name: "Recording a voice message" }).getByText(/^0:0[1-9]$/).waitFor();
    await page.getByRole("button", { name: "Finish the recording" }).click();
    await page.locator(".composer .pending-file").waitFor();
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
  "device settings": async (page) => {
    await openSettings(page, "Devices");
    await page.locator(".devices li").first().waitFor();
  },
  "appearance settings": (page) => openSettings(page, "Appearance"),
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
  "devices of a call": async (page) => {
    await AT_LIST.calling(page);
    await page.getByRole("button", { name: "Choose devices" }).click();
    await page.locator(".call-devices select").first().waitFor();
  },
  notifications: async (page) => {
    await page.getByRole("button", { name: "Notifications" }).click();
    await page.locator(".notification-list, dialog[open], [role=dialog]").first().waitFor();
  },
  "favourites and archive": async (page) => {
    await call("PATCH", "conversations/general/preferences", "alice", { favourite: true });
    await call("PATCH", "conversations/conv-456/preferences", "alice", { archived: true });
    await page.locator(".conversations h2").first().waitFor();
    await page.locator(".list-action").waitFor();
  },
  archive: async (page) => {
    await page.locator(".list-action").click();
    await page.locator(".list-action[aria-pressed=true]").waitFor();
  },
  "search everywhere": async (page) => {
    await page.getByRole("searchbox").fill("bob");
    await page.getByRole("region", { name: "People" }).getByRole("button").first().waitFor();
    await page.getByRole("region", { name: "Messages" }).waitFor();
  },
  "muted and blocked": async (page) => {
    await listed(page, "Restricted").click();
    await page.locator(".read-only[role=status]").waitFor();
    await page.locator(".folded").waitFor();
  },
  "unavailable conversation": (page) => followed(page, "nowhere"),
  "public conversation": async (page) => {
    const { items } = await call("GET", "conversations?query=Open%20house", "alice");
    await followed(page, items[0].id);
  },
  invitation: async (page) => {
    const { items } = await call("GET", "conversations?query=Open%20house", "bob");
    const { code } = await post("invitations", "bob", { conversationIds: [items[0].id] });
    await page.evaluate((given) => location.assign(`#invite=${given}`), code);
    await page.getByRole("dialog", { name: "Join Open house" }).waitFor();
  },
  "saved messages": async (page) => {
    await page.getByRole("button", { name: /^Your account/ }).click();
    await page.getByRole("menuitem", { name: "Saved messages" }).click();
    await page.locator(".finds, dialog[open] .empty-state").first().waitFor();
  },
  threads: async (page) => {
    await page.getByRole("button", { name: "Threads" }).click();
    await page.locator(".thread-item").first().waitFor();
  },
  people: async (page) => {
    await page.getByRole("button", { name: "People", exact: true }).click();
    await page.locator(".directory [role=option]").first().waitFor();
  },
  "browse channels": async (page) => {
    await page.locator(".side-buttons").getByRole("button", { name: "Browse public conversations" }).click();
    await page.locator("dialog[open] .public li").first().waitFor();
  },
  "new conversation": async (page) => {
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.locator("dialog[open]").waitFor();
  },
  "offer of notifications": async (page) => {
    // Permissions that are not granted with others are denied.
    await page.context().clearPermissions();
    await post("messages", "bob", { conversationId: "general", content: "News" });
    await page.locator("section.offered").waitFor();
  },
};

// Screens that one cannot leave by closing what is in front. The page is loaded again after them.
const NOT_CLOSED = [
  "calling",
  "devices of a call",
  "offer of notifications",
  "archive",
  "search everywhere",
  "muted and blocked",
  "unavailable conversation",
  "public conversation",
  "voice review",
];
const IN_FRONT = "dialog[open], [role=dialog], [role=menu], .panel";

// Leads back to where the way to each place begins: Escape closes what is in front, one after the other. A conversation
// is opened again.
async function leave(page, fragment) {
  const front = page.locator(IN_FRONT);
  for (let shown = await front.count(); shown > 0; ) {
    await page.keyboard.press("Escape");
    const left = await until(() => front.count(), (now) => now < shown);
    if (left >= shown) throw new Error(`Escape closes nothing: ${await front.first().innerHTML()}`);
    shown = left;
  }
  await page.mouse.move(0, 0);
  if (fragment === "") return;
  await page.evaluate(() => location.assign("#/"));
  await page.locator(".message").first().waitFor({ state: "detached" });
  await page.evaluate((back) => location.assign(back), fragment);
}

// Waits for `content` in the panel: what is loaded afterwards, axe would not see.
async function panel(page, name, content = "header") {
  const header = page.locator(".conversation > header");
  await header.getByRole("button", { name: "Details" }).waitFor();
  const button = header.getByRole("button", { name });
  if (await button.isVisible()) {
    await button.click();
  } else {
    await header.getByRole("button", { name: /^More/ }).click();
    await page.getByRole("menuitem", { name }).click();
  }
  await page.locator(`.panel ${content}`).first().waitFor();
}

async function chosen(page, name, at = page.locator(".message.mine").filter({ has: page.locator("pre") })) {
  // Below the beginning of the conversation.
  await page.locator(".scroller").evaluate((it) => it.scrollTo(0, 200));
  await at.scrollIntoViewIfNeeded();
  await at.focus();
  await at.getByRole("button", { name: "More actions" }).press("Enter");
  await page.getByRole("menuitem", { name, exact: true }).click();
  await page.locator("dialog[open]").waitFor();
}

async function inDetails(page, name, item) {
  await panel(page, "Details");
  await page.locator(".panel").getByRole("button", { name, exact: true }).click();
  if (item !== undefined) await page.getByRole("menuitem", { name: item }).click();
  await page.locator("dialog[open]").waitFor();
}

async function followed(page, id) {
  await page.evaluate((to) => location.assign(`#/conversation/${to}`), id);
  await page.locator("main [role=status]").waitFor();
}

// A call of bob's rings at alice's, who answers it; and once more when she does not want to be disturbed.
async function calls(options, check) {
  const [alice, bob] = [await visitAs("alice", options), await visitAs("bob", options)];
  const callOf = (page, name) => page.getByRole("region", { name: `Call with ${name}` });
  const ring = async () => {
    await bob.getByRole("button", { name: "Call", exact: true }).click();
    await alice.getByText("bob is calling").waitFor();
  };
  await listed(bob, "alice").click();
  await ring();
  await check(alice, "incoming call");
  await alice.getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await check(alice, "call");
  await alice.getByRole("button", { name: "Hang up" }).click();
  await callOf(bob, "alice").getByRole("button", { name: "Close" }).click();
  await call("PUT", "users/me/presence", "alice", { status: "dnd" });
  await alice.getByRole("button", { name: /^Your account.*do not disturb/ }).waitFor();
  await ring();
  await check(alice, "incoming call, do not disturb");
  await call("PUT", "users/me/presence", "alice", { status: "online" });
  for (const page of [alice, bob]) await page.context().close();
}

// Looks at every screen, and returns what axe finds wrong there and how many screens there are.
async function everyScreen(options) {
  const found = [];
  let screens = 0;
  const check = async (page, screen) => {
    found.push(...(await violations(page, screen)));
    screens++;
  };
  const entrance = await visit(options);
  await entrance.getByRole("button", { name: "Maya Lindgren" }).waitFor();
  await check(entrance, "entrance");
  await entrance.locator(".entrance form button.quiet").click();
  await check(entrance, "register");
  await entrance.context().close();
  const id = (await conversationCalled("Everything"))?.id ?? (await content());
  for (const [places, fragment] of [
    [AT_LIST, ""],
    [PLACES, `#/conversation/${id}`],
  ]) {
    const page = await visitAs("alice", options);
    await withPreviews(page);
    await page.goto(`${url}/?${fragment}`);
    for (const [name, go] of Object.entries(places)) {
      await (fragment === "" ? conversations(page).first() : page.locator(".message").first()).waitFor();
      // It takes the focus once the page knows that one may write there.
      if (places === PLACES) await page.locator(".composer textarea:focus").waitFor();
      await go(page);
      await check(page, name);
      if (NOT_CLOSED.includes(name)) {
        // Another query makes the browser load the page again.
        await page.goto(`${url}/?${encodeURIComponent(name)}${fragment}`);
      } else {
        await leave(page, fragment);
      }
    }
    await page.context().close();
  }
  await calls(options, check);
  return { found, screens };
}

async function conversationCalled(name) {
  const { items } = await call("GET", "conversations", "alice");
  return items.find((conversation) => conversation.name === name);
}

const VIEWPORTS = { wide: { width: 1280, height: 800 }, narrow: { width: 320, height: 900 } };

// All that is wrong is shown at the end: a look at every screen takes minutes.
for (const [width, viewport] of Object.entries(VIEWPORTS))
  test(`Axe finds nothing wrong on any ${width} screen, light or dark`, ["whole_browser"], async () => {
    const options = { viewport, permissions: ["microphone"], expected: /status of 40[34]/ };
    const { found, screens } = await everyScreen(options);
    deepEqual(found, []);
    ok(screens >= SCREENS, `${screens} screens`);
  });

const DURATIONS = { ".message": "0.14s", ".menu": "0.12s", dialog: "0.14s", ".panel": "0.16s" };

test("What comes into sight moves for a moment or not at all", [], async () => {
  deepEqual(await animated("no-preference"), DURATIONS);
  deepEqual(await animated("reduce"), {});
});

// What comes into sight with a motion, and how long it takes.
async function animated(reducedMotion) {
  const page = await visitAs("alice", { reducedMotion, init: noteAnimations });
  await open(page, "general");
  await say(page, `Of alice, ${reducedMotion}`);
  await message(page, `Of alice, ${reducedMotion}`).waitFor();
  await post("messages", "bob", { conversationId: "general", content: `Of bob, ${reducedMotion}` });
  await message(page, `Of bob, ${reducedMotion}`).waitFor();
  await act(page, `Of bob, ${reducedMotion}`, "Forward");
  await page.locator("dialog[open]").waitFor();
  // An animation begins with the next frame.
  const frames = () =>
    page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await frames();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Details" }).click();
  await page.locator(".panel").waitFor();
  await frames();
  return page.evaluate(() => window.animated);
}

// Runs in the page. Notes what is animated while it comes into sight, with the duration.
function noteAnimations() {
  window.animated = {};
  addEventListener("animationstart", ({ target }) => {
    if (target.closest(".leaving")) return;
    const name = [".message", ".menu", ".panel", "dialog", ".to-newest", ".toast"].find((each) => target.matches(each));
    // These come only where a conversation does not open at its end.
    if (name !== ".to-newest" && name !== ".toast") window.animated[name] = getComputedStyle(target).animationDuration;
  });
}

test("Nothing moves for users who want that", [], async () => {
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
  deepEqual(moving, []);
});

// What screen readers call what the arrow keys lead to, from the end up, and a message that is not sent yet.
test("Each message says who wrote it to screen readers and in copied text", [], async () => {
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["carol"], name: "Names" });
  const send = (content, more = {}) => post("messages", "bob", { conversationId: id, content, ...more });
  await send("**First** of all");
  await send("Continued");
  await send("", { attachments: [{ id: await file("text/plain", "notes.txt", "one") }] });
  const gone = await send("Gone");
  await call("DELETE", `messages/${gone.id}`, "bob");
  await post(`conversations/${id}/offers`, "bob", { title: "A lamp", amount: 1_200, currency: "EUR" });
  const page = await visitAs("carol");
  const socket = await holdable(page);
  await open(page, "Names");
  const row = page.locator(".row", { has: page.locator(".offer") });
  await row.waitFor();
  equal(await row.locator(".authored:has(.offer)").getByRole("button", { name: "bob", exact: true }).count(), 1);
  await page.locator(".scroller").focus();
  const now = (text) => text?.replace(/\d+:\d\d( [AP]M)?/g, "now");
  const focused = async () =>
    now(await page.evaluate(() => document.activeElement.closest("article")?.ariaLabel ?? undefined));
  for (const name of ["Offer: A lamp", "This message was deleted.", "notes.txt", "Continued", "First of all"]) {
    await page.keyboard.press("ArrowUp");
    await becomes(focused, `bob, now: ${name}`);
  }
  await page.keyboard.press("ArrowDown");
  await becomes(focused, "bob, now: Continued");
  const copied = await page.locator(".scroller").evaluate((list) => {
    getSelection().selectAllChildren(list);
    return getSelection().toString();
  });
  const lines = now(copied).split(/\s*\n\s*/);
  const [first, last] = ["New", "notes.txt"].map((line) => lines.indexOf(line));
  deepEqual(
    lines.slice(first + 1, last + 1),
    ["bob", "now", "First of all", "bob", "now", "Continued", "bob", "now", "notes.txt"],
  );
  socket.hold();
  await say(page, "On its *way*");
  await letters(page).waitFor();
  equal(now((await articleNames(page)).at(-1)), "carol, now: On its way");
});

// A reader in one conversation is notified of its messages, and of what is meant for them in the others.
test("Screen readers announce new messages", [], async () => {
  const group = (name) => post("conversations", "bob", { kind: "group", memberIds: ["carol"], name });
  const [elsewhere, muted] = [await group("Elsewhere"), await group("Muted")];
  await call("PATCH", `conversations/${muted.id}/preferences`, "carol", { muted: true });
  const { id: direct } = await post("conversations", "bob", { kind: "direct", memberIds: ["carol"] });
  const send = (conversationId, content) => post("messages", "bob", { conversationId, content });
  const page = await visitAs("carol", { init: noteAnnounced });
  await open(page, "general");
  await composer(page).waitFor();
  const announced = (text) => page.waitForFunction((wanted) => window.announced.includes(wanted), text);
  await send("general", "for the ears");
  await announced("bob: for the ears");
  await send(elsewhere.id, "not for the ears");
  await send(muted.id, "neither, @carol");
  await listed(page, "Muted").getByText("neither, @carol").waitFor();
  await send(elsewhere.id, "but this, @carol");
  await announced("bob mentioned you in Elsewhere");
  const toast = page.locator(".toast:popover-open");
  await toast.getByText("bob mentioned you in Elsewhere", { exact: true }).waitFor();
  await send(direct, "and this");
  await announced("bob wrote to you");
  equal(await toast.locator("p").textContent(), "bob wrote to you, and 1 more");
  await toast.getByRole("button", { name: "Open" }).click();
  await opened(page, "bob");
  await toast.waitFor({ state: "detached" });
  deepEqual(
    await page.evaluate(() => window.announced),
    ["bob: for the ears", "bob mentioned you in Elsewhere", "bob wrote to you"],
  );
});

// Runs in the page. Notes what screen readers announce.
function noteAnnounced() {
  window.announced = [];
  new MutationObserver(() => {
    const text = document.querySelector(".announcer")?.textContent ?? "";
    if (text !== "" && text !== window.announced.at(-1)) window.announced.push(text);
  }).observe(document, { subtree: true, childList: true, characterData: true });
}
