import {
  act,
  call,
  field,
  listed,
  message,
  open,
  opened,
  openSettings,
  post,
  report,
  say,
  start,
  until,
  visitAs,
} from "../browser.mjs";

// A picture of one dot.
const DOT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

const header = (page) => page.locator(".conversation > header");
const notices = (page) => page.locator(".notice-line > span");
const textsOf = (page) => notices(page).allTextContents();

// The topic stands below the name, with its links, and the picture beside it, for all members and in the list.
export async function about() {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await start(alice, ["bob", "carol"], "Garden");
  await open(bob, "Garden");
  // The name leads to the details.
  await header(alice).getByRole("button", { name: "Garden" }).click();
  const panel = alice.locator(".panel[aria-label=Details]");
  await panel.getByRole("button", { name: "Edit", exact: true }).click();
  await alice.getByLabel("Picture").locator("input").setInputFiles({ name: "a.png", mimeType: "image/png", buffer: DOT });
  await field(alice, "Topic").fill("Plans: https://example.com/plan.");
  await field(alice, "Description").fill("What we grow\nand where");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  const link = header(bob).getByRole("link", { name: "https://example.com/plan", exact: true });
  await link.waitFor();
  await panel.getByText("What we grow").waitFor();
  const loaded = (page, at) => page.locator(`${at} .avatar img`).evaluate((picture) => picture.decode().then(() => picture.naturalWidth));
  const widths = [await loaded(bob, ".conversation > header"), await loaded(bob, ".item a[aria-current]")];
  await until(() => textsOf(bob), (texts) => texts.length >= 1);
  const lines = await textsOf(bob);
  await panel.getByRole("button", { name: "Edit", exact: true }).click();
  await alice.getByRole("button", { name: "Remove", exact: true }).click();
  await field(alice, "Topic").fill("");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await link.waitFor({ state: "detached" });
  await header(bob).locator(".avatar img").waitFor({ state: "detached" });
  report("lines about the room", { widths, lines, target: "example" });
}

// A handle tells people of the same name apart, in the finder, on their card and in mentions.
export async function handles() {
  const alice = await visitAs("alice");
  await openSettings(alice, "Profile");
  await field(alice, "Handle").fill("Ann.Smith");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await until(() => field(alice, "Handle").inputValue(), (handle) => handle === "ann.smith");
  const refused = await call("PATCH", "users/me", "bob", { handle: "ann.smith" }).catch((error) => String(error));
  const bob = await visitAs("bob");
  await bob.getByRole("button", { name: "New conversation" }).click();
  await bob.getByRole("button", { name: /^New group/ }).click();
  await field(bob, "Find people").fill("@ann.s");
  const found = bob.locator(".found [role=option]");
  await found.first().waitFor();
  const shown = await found.locator(".person-handle").allTextContents();
  // The server finds those whom the reader does not know.
  await call("PATCH", "users/me", "unknown-ida", { name: "Ida", handle: "ida.9" });
  await field(bob, "Find people").fill("@ida.9");
  await found.filter({ hasText: "@ida.9" }).waitFor();
  // The list, and then the dialog.
  await bob.keyboard.press("Escape");
  await bob.keyboard.press("Escape");
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Handles" });
  await open(bob, "Handles");
  await say(bob, "Hello @ann.smith!");
  await bob.locator(".message .mention").getByText("@ann.smith").waitFor();
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  await call("PATCH", "users/me", "alice", { handle: null });
  report("distinguished", { refused: refused.includes("409") || refused.includes("taken"), shown, mentions: items[0].mentions });
  report("namesakes", await namesakes(bob));
}

// Returns the handles of two people of the same name, in each place where bob sees both of them.
async function namesakes(bob) {
  const twins = ["twin-1", "twin-2"];
  for (const [index, twin] of twins.entries()) {
    await call("PATCH", "users/me", twin, { name: "Nora", handle: `nora${index + 1}` });
    const { id } = await post("conversations", "bob", { kind: "direct", memberIds: [twin] });
    await post("messages", "bob", { conversationId: id, content: "Hello" });
  }
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: twins, name: "Twins" });
  await call("PATCH", `conversations/${id}/members/twin-1`, "bob", { role: "admin" });
  await call("DELETE", `conversations/${id}/members/twin-2`, "twin-1");
  await post(`conversations/${id}/members`, "twin-1", { userIds: ["twin-2"] });
  const asked = await post("messages", "bob", { conversationId: id, content: "Which Nora?" });
  for (const twin of twins) {
    await post("messages", twin, { conversationId: id, content: `I am ${twin}` });
    await post("messages", twin, { conversationId: id, content: "Hello @bob" });
    await call("PUT", `messages/${asked.id}/reactions/${encodeURIComponent("👍")}`, twin);
  }
  const places = {};
  const note = async (place, at) => {
    const handles = at.locator(".person-handle, .chosen-handle").filter({ hasText: "@nora" });
    const texts = await until(() => handles.allTextContents(), (shown) => shown.length >= 2);
    places[place] = texts.sort().join(" ");
  };
  await listed(bob, "Nora").nth(1).waitFor();
  await note("list", bob.locator(".conversations"));
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("nora");
  await note("search", bob.getByRole("region", { name: "People" }));
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("");
  await bob.keyboard.press("Control+k");
  await bob.locator(".switcher input").fill("nora");
  await note("switcher", bob.locator(".switcher"));
  await bob.locator(".switcher input").fill("@nora2");
  await until(() => bob.locator(".switcher [role=option] .avatar").count(), (count) => count === 1);
  await bob.keyboard.press("Escape");
  await bob.getByRole("button", { name: "New conversation" }).click();
  await bob.getByRole("button", { name: /^New group/ }).click();
  for (const handle of ["@nora1", "@nora2"]) {
    await field(bob, "Find people").fill(handle);
    await bob.locator(".found [role=option]").filter({ hasText: handle }).click();
  }
  await note("chosen", bob.locator(".chosen"));
  await bob.getByRole("button", { name: "Remove Nora @nora2" }).click();
  await bob.getByRole("button", { name: "Remove Nora @nora1" }).click();
  await bob.getByRole("button", { name: "Back", exact: true }).click();
  await bob.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();
  await open(bob, "Twins");
  await message(bob, "I am twin-2").waitFor();
  await note("messages", bob.locator(".timeline, .scroller").first());
  await bob.getByRole("button", { name: "Details" }).click();
  await note("members", bob.locator(".member"));
  places.notices = await bob.locator(".notice-line").getByText("added").textContent();
  await act(bob, "I am twin-1", "Report message");
  places.report = await bob.locator("dialog[open] .person-handle").textContent();
  await bob.keyboard.press("Escape");
  await bob.getByRole("button", { name: /^Notifications/ }).click();
  const mentions = bob.getByRole("dialog").locator(".headline").filter({ hasText: /^Nora.*mentioned/ });
  places.bell = await until(() => mentions.allTextContents(), (shown) => shown.length >= 2);
  await bob.keyboard.press("Escape");
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("am twin");
  await note("results", bob.locator(".finds"));
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("");
  for (const [place, action] of [["forward", "Forward"], ["seen by", "Seen by"], ["reacted by", "Reactions"]]) {
    await act(bob, "Which Nora?", action);
    await note(place, bob.locator("dialog[open]"));
    await bob.keyboard.press("Escape");
  }
  await listed(bob, "Nora").first().click();
  const inHeader = bob.locator(".conversation > header .person-handle");
  places.header = await until(() => inHeader.count(), (count) => count === 1);
  return places;
}

// The people are listed with their presence; the keyboard finds one and opens the conversation.
export async function directory() {
  const alice = await visitAs("alice");
  await visitAs("bob");
  await alice.getByRole("button", { name: "People", exact: true }).click();
  const options = alice.locator(".directory [role=option]");
  await options.filter({ hasText: "bob" }).getByRole("img", { name: "online" }).waitFor();
  // The people of alice's conversations come first, all others with the server's answer.
  await options.nth(1).waitFor();
  const before = await options.and(alice.locator("[aria-selected=true]")).count();
  await alice.keyboard.press("ArrowDown");
  const first = await options.first().getAttribute("aria-selected");
  await alice.keyboard.press("ArrowDown");
  const second = await options.nth(1).getAttribute("aria-selected");
  await alice.keyboard.type("bob");
  await until(() => options.count(), (count) => count === 1);
  await alice.keyboard.press("Enter");
  await opened(alice, "bob");
  report("found in the directory", { before, first, second });
}

// Who comes and goes, and what changes, stands among the messages where it happened, also after a reload, and is not
// counted as unread.
export async function happened() {
  const [alice, carol] = [await visitAs("alice"), await visitAs("carol")];
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Events", public: true });
  await open(alice, "Events");
  await say(alice, "One");
  await message(alice, "One").waitFor();
  await post(`conversations/${id}/members`, "carol", { userIds: ["carol"] });
  await notices(alice).getByText("carol joined").waitFor();
  await call("PATCH", `conversations/${id}`, "alice", { name: "New events" });
  await until(() => textsOf(alice), (texts) => texts.length === 2);
  await say(alice, "Two");
  await message(alice, "Two").waitFor();
  const offer = await post(`conversations/${id}/offers`, "alice", { title: "Bike", amount: 100, currency: "EUR" });
  await post(`offers/${offer.id}/accept`, "bob");
  await call("DELETE", `conversations/${id}/members/bob`, "alice");
  await until(() => textsOf(alice), (texts) => texts.length === 4);
  const live = await textsOf(alice);
  await open(carol, "New events");
  await message(carol, "Two").waitFor();
  await until(() => textsOf(carol), (texts) => texts.length === 4);
  await alice.reload();
  await message(alice, "Two").waitFor();
  await until(() => textsOf(alice), (texts) => texts.length === 4);
  const order = await alice
    .locator(".message .text, .notice-line > span")
    .evaluateAll((all) => all.map((each) => each.textContent));
  // The page reports what carol sees in groups, a third of a second apart.
  const unread = async () => (await call("GET", `conversations/${id}`, "carol")).unreadCount;
  const unreadCount = await until(unread, (count) => count === 0);
  report("notices", { live, order, unreadCount });
}

// A channel shows its sign, and is not started without a name.
export async function channel() {
  const alice = await visitAs("alice");
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("button", { name: /^New channel/ }).click();
  const button = alice.getByRole("button", { name: "Create", exact: true });
  const before = await button.isDisabled();
  await field(alice, "Channel name").fill("Signs");
  await button.click();
  await opened(alice, "Signs");
  const signs = await header(alice).getByText("Public channel").count();
  report("started a channel", { before, signs });
}
