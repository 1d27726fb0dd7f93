// The reader's own messages that are not sent yet: slow mode, and what can be done with a message that waits.
import { act, call, composer, holdable, letters, message, open, post, report, say, until, visitAs } from "../browser.mjs";

const HOUR_S = 3_600;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const group = (name, more = {}) => post("conversations", "alice", { kind: "group", name, memberIds: ["bob"], ...more });
const slow = (id, slowModeS) => call("PATCH", `conversations/${id}`, "alice", { slowModeS });
const slowed = (page) => page.locator(".composer .slowed");
const send = (page) => page.locator(".composer").getByRole("button", { name: "Send", exact: true });
const text = (page) => composer(page).inputValue();
const untimed = (text) => text.replace(/\d[\d:]*/, "…");

// A member writes once; the owner is not limited.
export async function slow_mode() {
  const { id } = await group("Slow", { slowModeS: HOUR_S });
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  for (const page of [alice, bob]) {
    await open(page, "Slow");
    await say(page, `One of ${page === alice ? "alice" : "bob"}`);
  }
  await slowed(bob).waitFor();
  const first = await slowed(bob).textContent();
  const counted = first !== (await until(() => slowed(bob).textContent(), (text) => text !== first));
  await say(alice, "Two of alice");
  await message(bob, "Two of alice").waitFor();
  await say(bob, "Two of bob");
  const meanwhile = { letters: await letters(bob).count(), field: await text(bob), enabled: await send(bob).isEnabled() };
  await bob.reload();
  await slowed(bob).waitFor();
  const reloaded = { field: await text(bob), enabled: await send(bob).isEnabled() };
  await slow(id, 1);
  await until(() => send(bob).isEnabled(), Boolean);
  await send(bob).click();
  await message(alice, "Two of bob").waitFor();
  report("slowed", { says: untimed(first), counted, meanwhile, reloaded, alice: await slowed(alice).count() });
}

// Slow mode begins while a message is on its way, and another one waits behind it.
async function delayed(name, options) {
  const { id } = await group(name);
  const bob = await visitAs("bob", options);
  const network = await holdable(bob);
  await open(bob, name);
  await say(bob, "Sent before");
  await message(bob, "Sent before").waitFor();
  network.hold();
  await say(bob, "The first one");
  await say(bob, "The second one");
  await slow(id, HOUR_S);
  return { id, bob, network };
}

export async function delays() {
  const { id, bob, network } = await delayed("Delays");
  network.release();
  await until(() => letters(bob).locator(".slowed").count(), (count) => count === 2);
  const says = await letters(bob).locator(".slowed").allTextContents();
  await slow(id, 0);
  await letters(bob).first().waitFor({ state: "detached" });
  await message(bob, "The second one").waitFor();
  report("delayed", { says: says.map(untimed), left: await slowed(bob).count() });
}

const edits = (page) => page.getByText("Editing your message").count();
const copied = (page) => page.evaluate(() => navigator.clipboard.readText());

// What waits is edited by ArrowUp and by Edit, beside a draft, and can be cancelled; what is being delivered stays.
export async function taken_back() {
  const { id, bob, network } = await delayed("Taken back");
  await bob.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const [delivered, queued] = [letters(bob).filter({ hasText: "The first" }), letters(bob).filter({ hasText: "The second" })];
  await queued.hover();
  const buttons = await queued.locator(".actions button").evaluateAll((all) => all.map((each) => each.title));
  const whileDelivered = await delivered.locator(".actions").count();
  await composer(bob).press("ArrowUp");
  await until(() => text(bob), (value) => value !== "");
  const second = { field: await text(bob), letters: await letters(bob).count(), edits: await edits(bob) };
  await composer(bob).press("Escape");
  await until(() => text(bob), (value) => value === "");
  await queued.hover();
  await queued.getByRole("button", { name: "Cancel sending" }).click();
  await queued.waitFor({ state: "detached" });
  await composer(bob).press("ArrowUp");
  const busy = { field: await text(bob), letters: await letters(bob).count(), edits: await edits(bob) };
  await bob.getByRole("button", { name: "Undo" }).click();
  await queued.waitFor();
  network.release();
  await delivered.locator(".slowed").waitFor();
  await delivered.locator(".text").click({ button: "right" });
  await bob.getByRole("menuitem", { name: "Copy text" }).click();
  const copy = await until(() => copied(bob), (value) => value !== "");
  await composer(bob).fill("A draft");
  await delivered.hover();
  await delivered.getByRole("button", { name: "Edit", exact: true }).click();
  await until(() => text(bob), (value) => value === "The first one");
  await bob.locator(".letter.edited-now").waitFor();
  await composer(bob).pressSequentially(", changed");
  await composer(bob).press("Enter");
  await until(() => text(bob), (value) => value === "A draft");
  await delivered.filter({ hasText: "changed" }).waitFor();
  const order = await letters(bob).locator(".text").allTextContents();
  // The second one waits until its edit is saved.
  await queued.hover();
  await queued.getByRole("button", { name: "Edit", exact: true }).click();
  await until(() => text(bob), (value) => value === "The second one");
  await composer(bob).pressSequentially(", too");
  await slow(id, 0);
  await message(bob, "The first one, changed").waitFor();
  const meanwhile = { field: await text(bob), edits: await edits(bob), letters: await letters(bob).locator(".text").allTextContents() };
  await composer(bob).press("Enter");
  await message(bob, "The second one, too").waitFor();
  const stored = () => call("GET", `conversations/${id}/messages`, "alice").then(({ items }) => items.map(({ content }) => content));
  const sent = await until(stored, (all) => all.some((each) => each.includes("too")));
  report("taken back", { buttons, whileDelivered, second, busy, copy, order, meanwhile, sent, draft: await text(bob) });
}

// The message that is edited is quoted above the field, and marked in the list.
export async function edited() {
  await group("Edited");
  const bob = await visitAs("bob");
  await open(bob, "Edited");
  for (const text of ["Is *one* mesage", "Another one"]) {
    await say(bob, text);
    await letters(bob).first().waitFor({ state: "detached" });
  }
  const marked = () => bob.locator(".message.edited-now .text").allTextContents();
  await act(bob, "Is one mesage", "Edit");
  await composer(bob).fill("Is one message");
  const quoted = await bob.locator(".composing .excerpt").textContent();
  const during = await marked();
  await composer(bob).press("Enter");
  await message(bob, "Is one message").waitFor();
  report("edited", { quoted, during, afterwards: await marked() });
}

const leftBehind = (page) => page.getByRole("dialog", { name: "Not sent", exact: true });
const kicked = (id) => call("DELETE", `conversations/${id}/members/bob`, "alice");

// Somebody is removed from a group in which they have written what is not sent, and from another one while they are away.
export async function left_behind() {
  const { id, bob, network } = await delayed("Left behind", { expected: /status of 403/ });
  await bob.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  network.release();
  await until(() => letters(bob).locator(".slowed").count(), (count) => count === 2);
  await composer(bob).fill("A draft");
  await kicked(id);
  const dialog = leftBehind(bob);
  await dialog.waitFor();
  const says = await dialog.getByRole("paragraph").first().textContent();
  await bob.keyboard.press("Escape");
  const question = bob.getByRole("dialog", { name: "Discard this text?" });
  await question.getByRole("button", { name: "Go back" }).click();
  await dialog.getByRole("button", { name: "Copy text" }).click();
  const copy = await until(() => copied(bob), (value) => value !== "");
  await bob.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });

  const other = await group("Left while away");
  await open(bob, "Left while away");
  await composer(bob).fill("Another draft");
  await open(bob, "general");
  const address = bob.url();
  await bob.goto("about:blank");
  await kicked(other.id);
  await bob.goto(address);
  await dialog.waitFor();
  const away = {
    says: await dialog.getByRole("paragraph").first().textContent(),
    text: await dialog.getByLabel("Your text").inputValue(),
  };
  await post(`conversations/${other.id}/members`, "alice", { userIds: ["bob"] });
  await dialog.waitFor({ state: "detached" });
  await bob.locator(".toast:popover-open").getByText("You are in Left while away again.").waitFor();
  await open(bob, "Left while away");
  const back = await text(bob);
  await kicked(other.id);
  await dialog.getByRole("button", { name: "Discard" }).click();
  await dialog.waitFor({ state: "detached" });
  await bob.getByRole("button", { name: /^Your account/ }).click();
  await bob.getByRole("menuitem", { name: "Sign out" }).click();
  await bob.getByLabel("Another user ID").waitFor();
  report("left", { says, copy, away, back });
}

// The group is deleted; a phone.
export async function left_behind_on_phone() {
  const { id } = await group("Deleted");
  const bob = await visitAs("bob", { ...PHONE, expected: /status of 403/ });
  await open(bob, "Deleted");
  await composer(bob).fill("A draft");
  await call("DELETE", `conversations/${id}`, "alice");
  await leftBehind(bob).waitFor();
  const heights = await leftBehind(bob).locator("button").evaluateAll((all) => all.map((each) => each.getBoundingClientRect().height));
  const isWide = await bob.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await leftBehind(bob).getByRole("button", { name: "Discard" }).tap();
  await leftBehind(bob).waitFor({ state: "detached" });
  const left = await bob.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("talkwire.draft")));
  report("left", { small: heights.filter((height) => height < 44), isWide, left });
}
