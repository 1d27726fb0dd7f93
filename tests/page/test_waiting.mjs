// The reader's own messages that are not sent yet: slow mode, and what can be done with a message that waits.
import { deepEqual, equal, notEqual } from "node:assert/strict";
import {
  act,
  call,
  composer,
  holdable,
  letters,
  message,
  open,
  post,
  say,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const HOUR_S = 3_600;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const group = (name, more = {}) => post("conversations", "alice", { kind: "group", name, memberIds: ["bob"], ...more });
const slow = (id, slowModeS) => call("PATCH", `conversations/${id}`, "alice", { slowModeS });
const slowed = (page) => page.locator(".composer .slowed");
const send = (page) => page.locator(".composer").getByRole("button", { name: "Send", exact: true });
const text = (page) => composer(page).inputValue();
const untimed = (text) => text.replace(/\d[\d:]*/, "…");

// A member writes once; the owner is not limited.
test("Slow mode says when its reader may write again", [], async () => {
  const { id } = await group("Slow", { slowModeS: HOUR_S });
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  for (const page of [alice, bob]) {
    await open(page, "Slow");
    await say(page, `One of ${page === alice ? "alice" : "bob"}`);
  }
  await slowed(bob).waitFor();
  const first = await slowed(bob).textContent();
  equal(untimed(first), "Slow mode: you can write again in …");
  notEqual(await until(() => slowed(bob).textContent(), (text) => text !== first), first);
  await say(alice, "Two of alice");
  await message(bob, "Two of alice").waitFor();
  await say(bob, "Two of bob");
  const stays = async () => {
    equal(await text(bob), "Two of bob");
    equal(await send(bob).isEnabled(), false);
  };
  equal(await letters(bob).count(), 0);
  await stays();
  await bob.reload();
  await slowed(bob).waitFor();
  await stays();
  await slow(id, 1);
  await until(() => send(bob).isEnabled(), Boolean);
  await send(bob).click();
  await message(alice, "Two of bob").waitFor();
  equal(await slowed(alice).count(), 0);
});

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

test("A message that slow mode delays is sent when slow mode ends", [], async () => {
  const { id, bob, network } = await delayed("Delays");
  network.release();
  await until(() => letters(bob).locator(".slowed").count(), (count) => count === 2);
  const says = await letters(bob).locator(".slowed").allTextContents();
  deepEqual(says.map(untimed), ["Slow mode: will be sent in …", "Slow mode: will be sent in …"]);
  await slow(id, 0);
  await letters(bob).first().waitFor({ state: "detached" });
  await message(bob, "The second one").waitFor();
  equal(await slowed(bob).count(), 0);
});

const edits = (page) => page.getByText("Editing your message").count();
const copied = (page) => page.evaluate(() => navigator.clipboard.readText());

// What waits is edited by ArrowUp and by Edit, beside a draft, and can be cancelled; what is being delivered stays.
test("A message that waits can be edited, copied and cancelled", [], async () => {
  const { id, bob, network } = await delayed("Taken back");
  await bob.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const delivered = letters(bob).filter({ hasText: "The first" });
  const queued = letters(bob).filter({ hasText: "The second" });
  await queued.hover();
  const buttons = await queued.locator(".actions button").evaluateAll((all) => all.map((each) => each.title));
  deepEqual(buttons, ["Edit", "Copy text", "Cancel sending"]);
  equal(await delivered.locator(".actions").count(), 0);
  await composer(bob).press("ArrowUp");
  await becomes(() => text(bob), "The second one");
  deepEqual([await letters(bob).count(), await edits(bob)], [2, 1]);
  await composer(bob).press("Escape");
  await becomes(() => text(bob), "");
  await queued.hover();
  await queued.getByRole("button", { name: "Cancel sending" }).click();
  await queued.waitFor({ state: "detached" });
  await composer(bob).press("ArrowUp");
  deepEqual([await text(bob), await letters(bob).count(), await edits(bob)], ["", 1, 0]);
  await bob.getByRole("button", { name: "Undo" }).click();
  await queued.waitFor();
  network.release();
  await delivered.locator(".slowed").waitFor();
  await delivered.locator(".text").click({ button: "right" });
  await bob.getByRole("menuitem", { name: "Copy text" }).click();
  await becomes(() => copied(bob), "The first one");
  await composer(bob).fill("A draft");
  await delivered.hover();
  await delivered.getByRole("button", { name: "Edit", exact: true }).click();
  await becomes(() => text(bob), "The first one");
  await bob.locator(".letter.edited-now").waitFor();
  await composer(bob).pressSequentially(", changed");
  await composer(bob).press("Enter");
  await becomes(() => text(bob), "A draft");
  await delivered.filter({ hasText: "changed" }).waitFor();
  deepEqual(await letters(bob).locator(".text").allTextContents(), ["The first one, changed", "The second one"]);
  // The second one waits until its edit is saved.
  await queued.hover();
  await queued.getByRole("button", { name: "Edit", exact: true }).click();
  await becomes(() => text(bob), "The second one");
  await composer(bob).pressSequentially(", too");
  await slow(id, 0);
  await message(bob, "The first one, changed").waitFor();
  deepEqual([await text(bob), await edits(bob)], ["The second one, too", 1]);
  deepEqual(await letters(bob).locator(".text").allTextContents(), ["The second one"]);
  await composer(bob).press("Enter");
  await message(bob, "The second one, too").waitFor();
  const stored = async () =>
    (await call("GET", `conversations/${id}/messages`, "alice")).items.map(({ content }) => content);
  await becomes(stored, ["Sent before", "The first one, changed", "The second one, too"]);
  equal(await text(bob), "A draft");
});

// The message that is edited is quoted above the field, and marked in the list.
test("The message that is edited is quoted and marked", [], async () => {
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
  equal(await bob.locator(".composing .excerpt").textContent(), "Is one mesage");
  deepEqual(await marked(), ["Is one mesage"]);
  await composer(bob).press("Enter");
  await message(bob, "Is one message").waitFor();
  deepEqual(await marked(), []);
});

const leftBehind = (page) => page.getByRole("dialog", { name: "Not sent", exact: true });
const explained = (page) => leftBehind(page).getByRole("paragraph").first().textContent();
const explanation = (name) =>
  `You can't write in ${name} any more. What you have written there and not sent is discarded when you close this.`;
const kicked = (id) => call("DELETE", `conversations/${id}/members/bob`, "alice");

// Bob is removed from a group in which he has written what is not sent, and from another one while he is away.
test("What is not sent can be copied when its author is removed", [], async () => {
  const { id, bob, network } = await delayed("Left behind", { expected: /status of 403/ });
  await bob.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  network.release();
  await until(() => letters(bob).locator(".slowed").count(), (count) => count === 2);
  await composer(bob).fill("A draft");
  await kicked(id);
  const dialog = leftBehind(bob);
  await dialog.waitFor();
  equal(await explained(bob), explanation("Left behind"));
  await bob.keyboard.press("Escape");
  const question = bob.getByRole("dialog", { name: "Discard this text?" });
  await question.getByRole("button", { name: "Go back" }).click();
  await dialog.getByRole("button", { name: "Copy text" }).click();
  await becomes(() => copied(bob), "The first one\n\nThe second one\n\nA draft");
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
  equal(await explained(bob), explanation("Left while away"));
  equal(await dialog.getByLabel("Your text").inputValue(), "Another draft");
  await post(`conversations/${other.id}/members`, "alice", { userIds: ["bob"] });
  await dialog.waitFor({ state: "detached" });
  await bob.locator(".toast:popover-open").getByText("You are in Left while away again.").waitFor();
  await open(bob, "Left while away");
  equal(await text(bob), "Another draft");
  await kicked(other.id);
  await dialog.getByRole("button", { name: "Discard" }).click();
  await dialog.waitFor({ state: "detached" });
  await bob.getByRole("button", { name: /^Your account/ }).click();
  await bob.getByRole("menuitem", { name: "Sign out" }).click();
  await bob.getByLabel("Another user ID").waitFor();
});

// The group is deleted; a phone.
test("A phone offers the draft of a deleted group", [], async () => {
  const { id } = await group("Deleted");
  const bob = await visitAs("bob", { ...PHONE, expected: /status of 403/ });
  await open(bob, "Deleted");
  await composer(bob).fill("A draft");
  await call("DELETE", `conversations/${id}`, "alice");
  await leftBehind(bob).waitFor();
  const buttons = leftBehind(bob).locator("button");
  const heights = await buttons.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().height));
  deepEqual(heights.filter((height) => height < 44), []);
  equal(await bob.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  await leftBehind(bob).getByRole("button", { name: "Discard" }).tap();
  await leftBehind(bob).waitFor({ state: "detached" });
  const left = await bob.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("talkwire.draft")));
  deepEqual(left, []);
});
