// Conversations and people: topics and pictures, handles, the directory, and notices among the messages.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  act,
  call,
  field,
  listed,
  message,
  open,
  openSettings,
  opened,
  post,
  say,
  start,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

// A picture of one dot.
const DOT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

const header = (page) => page.locator(".conversation > header");
const notices = (page) => page.locator(".notice-line > span");
const textsOf = (page) => notices(page).allTextContents();

// The topic stands below the name, with its links, and the picture beside it, for all members and in the list.
test("Topic and picture are shown to all members", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await start(alice, ["bob", "carol"], "Garden");
  await open(bob, "Garden");
  // The name leads to the details.
  await header(alice).getByRole("button", { name: "Garden" }).click();
  const panel = alice.locator(".panel[aria-label=Details]");
  await panel.getByRole("button", { name: "Edit", exact: true }).click();
  const picture = { name: "a.png", mimeType: "image/png", buffer: DOT };
  await alice.getByLabel("Picture").locator("input").setInputFiles(picture);
  await field(alice, "Topic").fill("Plans: https://example.com/plan.");
  await field(alice, "Description").fill("What we grow\nand where");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  const link = header(bob).getByRole("link", { name: "https://example.com/plan", exact: true });
  await link.waitFor();
  await panel.getByText("What we grow").waitFor();
  for (const at of [".conversation > header", ".item a[aria-current]"]) {
    const widthOf = (it) => it.decode().then(() => it.naturalWidth);
    equal(await bob.locator(`${at} .avatar img`).evaluate(widthOf), 1);
  }
  const topic = "changed the topic to “Plans: https://example.com/plan.”";
  await becomes(() => textsOf(bob), [`alice ${topic}, changed the description, and changed the picture`]);
  await panel.getByRole("button", { name: "Edit", exact: true }).click();
  await alice.getByRole("button", { name: "Remove", exact: true }).click();
  await field(alice, "Topic").fill("");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await link.waitFor({ state: "detached" });
  await header(bob).locator(".avatar img").waitFor({ state: "detached" });
});

// A handle tells people of the same name apart, in the finder, on their card and in mentions.
test("A handle tells people apart and mentions them", [], async () => {
  const alice = await visitAs("alice");
  await openSettings(alice, "Profile");
  await field(alice, "Handle").fill("Ann.Smith");
  await alice.getByRole("button", { name: "Save", exact: true }).click();
  await becomes(() => field(alice, "Handle").inputValue(), "ann.smith");
  const refused = await call("PATCH", "users/me", "bob", { handle: "ann.smith" }).catch((error) => String(error));
  ok(refused.includes("409") || refused.includes("taken"), refused);
  const bob = await visitAs("bob");
  await bob.getByRole("button", { name: "New conversation" }).click();
  await bob.getByRole("button", { name: /^New group/ }).click();
  await field(bob, "Find people").fill("@ann.s");
  const found = bob.locator(".found [role=option]");
  await found.first().waitFor();
  deepEqual(await found.locator(".person-handle").allTextContents(), ["@ann.smith"]);
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
  deepEqual(items[0].mentions, ["alice"]);
  await call("PATCH", "users/me", "alice", { handle: null });
  await seesNamesakes(bob);
});

// Bob sees the handles of two people of the same name in each place where he sees both of them.
async function seesNamesakes(bob) {
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
  const shows = async (at) => {
    const handles = at.locator(".person-handle, .chosen-handle").filter({ hasText: "@nora" });
    const texts = await until(() => handles.allTextContents(), (shown) => shown.length >= 2);
    deepEqual(texts.sort(), ["@nora1", "@nora2"]);
  };
  await listed(bob, "Nora").nth(1).waitFor();
  await shows(bob.locator(".conversations"));
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("nora");
  await shows(bob.getByRole("region", { name: "People" }));
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("");
  await bob.keyboard.press("Control+k");
  await bob.locator(".switcher input").fill("nora");
  await shows(bob.locator(".switcher"));
  await bob.locator(".switcher input").fill("@nora2");
  await becomes(() => bob.locator(".switcher [role=option] .avatar").count(), 1);
  await bob.keyboard.press("Escape");
  await bob.getByRole("button", { name: "New conversation" }).click();
  await bob.getByRole("button", { name: /^New group/ }).click();
  for (const handle of ["@nora1", "@nora2"]) {
    await field(bob, "Find people").fill(handle);
    await bob.locator(".found [role=option]").filter({ hasText: handle }).click();
  }
  await shows(bob.locator(".chosen"));
  await bob.getByRole("button", { name: "Remove Nora @nora2" }).click();
  await bob.getByRole("button", { name: "Remove Nora @nora1" }).click();
  await bob.getByRole("button", { name: "Back", exact: true }).click();
  await bob.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();
  await open(bob, "Twins");
  await message(bob, "I am twin-2").waitFor();
  await shows(bob.locator(".timeline, .scroller").first());
  await bob.getByRole("button", { name: "Details" }).click();
  await shows(bob.locator(".member"));
  equal(await bob.locator(".notice-line").getByText("added").textContent(), "Nora @nora1 added Nora @nora2");
  await act(bob, "I am twin-1", "Report message");
  equal(await bob.locator("dialog[open] .person-handle").textContent(), "@nora1");
  await bob.keyboard.press("Escape");
  await bob.getByRole("button", { name: /^Notifications/ }).click();
  const mentions = bob.getByRole("dialog").locator(".headline").filter({ hasText: /^Nora.*mentioned/ });
  await becomes(() => mentions.allTextContents(), ["Nora @nora2 mentioned you", "Nora @nora1 mentioned you"]);
  await bob.keyboard.press("Escape");
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("am twin");
  await shows(bob.locator(".finds"));
  await bob.getByRole("searchbox", { name: "Search conversations, people, messages" }).fill("");
  for (const action of ["Forward", "Seen by", "Reactions"]) {
    await act(bob, "Which Nora?", action);
    await shows(bob.locator("dialog[open]"));
    await bob.keyboard.press("Escape");
  }
  await listed(bob, "Nora").first().click();
  const inHeader = bob.locator(".conversation > header .person-handle");
  await becomes(() => inHeader.count(), 1);
}

// The people are listed with their presence; the keyboard finds one and opens the conversation.
test("The keyboard finds a person in the directory", [], async () => {
  const alice = await visitAs("alice");
  await visitAs("bob");
  await alice.getByRole("button", { name: "People", exact: true }).click();
  const options = alice.locator(".directory [role=option]");
  await options.filter({ hasText: "bob" }).getByRole("img", { name: "online" }).waitFor();
  // The people of alice's conversations come first, all others with the server's answer.
  await options.nth(1).waitFor();
  equal(await options.and(alice.locator("[aria-selected=true]")).count(), 0);
  await alice.keyboard.press("ArrowDown");
  equal(await options.first().getAttribute("aria-selected"), "true");
  await alice.keyboard.press("ArrowDown");
  equal(await options.nth(1).getAttribute("aria-selected"), "true");
  await alice.keyboard.type("bob");
  await becomes(() => options.count(), 1);
  await alice.keyboard.press("Enter");
  await opened(alice, "bob");
});

// Who comes and goes, and what changes, stands among the messages where it happened, also after a reload, and is not
// counted as unread.
test("What happened stands where it happened", [], async () => {
  const [alice, carol] = [await visitAs("alice"), await visitAs("carol")];
  const group = { kind: "group", memberIds: ["bob"], name: "Events", public: true };
  const { id } = await post("conversations", "alice", group);
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
  const [joined, renamed, accepted, removed] = [
    "carol joined",
    "You changed the name to “New events”",
    "bob accepted the offer “Bike” for €1.00",
    "You removed bob",
  ];
  deepEqual(await textsOf(alice), [joined, renamed, accepted, removed]);
  await open(carol, "New events");
  await message(carol, "Two").waitFor();
  await until(() => textsOf(carol), (texts) => texts.length === 4);
  await alice.reload();
  await message(alice, "Two").waitFor();
  await until(() => textsOf(alice), (texts) => texts.length === 4);
  const order = await alice.locator(".message .text, .notice-line > span").allTextContents();
  deepEqual(order, ["One", joined, renamed, "Two", accepted, removed]);
  // The page reports what carol sees in groups, a third of a second apart.
  const unread = async () => (await call("GET", `conversations/${id}`, "carol")).unreadCount;
  await becomes(unread, 0);
});

// A channel shows its sign, and is not started without a name.
test("A channel needs a name and shows its sign", [], async () => {
  const alice = await visitAs("alice");
  await alice.getByRole("button", { name: "New conversation" }).click();
  await alice.getByRole("button", { name: /^New channel/ }).click();
  const button = alice.getByRole("button", { name: "Create", exact: true });
  ok(await button.isDisabled());
  await field(alice, "Channel name").fill("Signs");
  await button.click();
  await opened(alice, "Signs");
  equal(await header(alice).getByText("Public channel").count(), 1);
});
