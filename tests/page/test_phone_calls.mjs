// Calls on a phone: what its Back button and a reload do to them.
import { deepEqual, equal, ok } from "node:assert/strict";
// Calls on a phone: what its Back button and a reload do to them.
import {
  atEnd,
  call,
  choose,
  composer,
  conversations,
  longPress,
  message,
  open,
  openSettings,
  opened,
  post,
  start,
  stays,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const permissions = ["microphone", "camera"];

const ringer = (page) => page.getByRole("alertdialog");
const callOf = (page, name) => page.getByRole("region", { name: `Call with ${name}` });

// alice, who calls, and bob with a phone at the list of conversations.
async function two(options) {
  const alice = await visitAs("alice", { permissions });
  await start(alice, ["bob"]);
  await opened(alice, "bob");
  const bob = await visitAs("bob", { ...PHONE, permissions, path: "/#/", ...options });
  return [alice, bob];
}

// A phone rings at the list of conversations: it is reloaded, and its Back button is pressed. Neither tells the caller
// anything, and the reader can still answer.
test("Back and a reload neither decline nor hide a call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  // So that the conversation is in his list, and has nothing that he has not read.
  const { items } = await call("GET", "conversations", "alice");
  await post("messages", "bob", { conversationId: items.find(({ kind }) => kind === "direct").id, content: "Call me" });
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).waitFor();
  await bob.reload();
  await conversations(bob).first().waitFor();
  await ringer(bob).getByText("alice is calling").waitFor();
  equal(await ringer(bob).count(), 1);
  equal(await ringer(bob).getByText("Press Esc").count(), 0);
  const before = await bob.evaluate(() => history.length);
  deepEqual(await afterTwoBacks(bob), { answers: ["Decline", "Accept"], isElsewhere: false });
  equal(await callOf(alice, "bob").locator(".says").textContent(), "Ringing…");
  await alice.getByRole("button", { name: "Hang up" }).click();
  await callOf(bob, "alice").getByText("Missed call from alice").waitFor();
  equal((await bob.evaluate(() => history.length)) - before, 0);
  equal(await until(() => conversations(bob).getByText("Missed call from alice").count(), Boolean), 1);
});

// The same in the conversation, which the Back button leaves once the call is declined.
test("Back in a conversation hides no call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  const { items } = await call("GET", "conversations", "alice");
  const { id } = items.find(({ kind }) => kind === "direct");
  await post("messages", "bob", { conversationId: id, content: "Ring me" });
  await open(bob, "alice");
  await message(bob, "Ring me").waitFor();
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).waitFor();
  deepEqual(await afterTwoBacks(bob), { answers: ["Decline", "Accept"], isElsewhere: false });
  await ringer(bob).getByRole("button", { name: "Decline" }).tap();
  await callOf(alice, "bob").getByText("bob declined.").waitFor();
  await ringer(bob).waitFor({ state: "detached" });
  ok(await message(bob, "Ring me").isVisible());
  await bob.goBack();
  await becomes(() => bob.evaluate(() => location.hash), "#/");
});

// Presses Back twice, as a step in the history, and as the Escape that some phones send to a dialog. Returns what can
// still be tapped, and whether the page is another one.
async function afterTwoBacks(page) {
  const before = await page.evaluate(() => location.href);
  for (let each = 0; each < 2; each++) {
    await page.goBack();
    await page.keyboard.press("Escape");
    // The browser closes the dialog whatever the page says, which then opens it again.
    await ringer(page).waitFor();
  }
  const answers = await ringer(page).getByRole("button").allTextContents();
  return { answers, isElsewhere: (await page.evaluate(() => location.href)) !== before };
}

// In a call, Back makes it small, and the browser asks before it leaves the page.
test("One back ends no call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).getByRole("button", { name: "Accept", exact: true }).tap();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await bob.goBack();
  const shown = callOf(bob, "alice");
  await shown.locator(".controls").waitFor({ state: "hidden" });
  equal(await bob.evaluate(() => location.hash), "#/");
  ok((await shown.boundingBox()).height < 80);
  equal(await shown.getByRole("timer").count(), 1);
  equal(await shown.locator(".call-pictures:visible").count(), 0);
  const asked = stays(bob);
  // The page stays, so nothing is loaded.
  await bob.goBack({ timeout: 3_000 }).catch(() => undefined);
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await shown.getByRole("button", { name: "Enlarge" }).tap();
  await shown.locator(".controls").waitFor();
  deepEqual(asked, ["beforeunload"]);
  await shown.getByRole("button", { name: "Make smaller" }).tap();
  await shown.getByRole("button", { name: "Hang up" }).tap();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  equal(await shown.getByRole("timer").count(), 0);
});

// The small call, and the one that has ended, have room of their own: in a conversation, in a thread and above the list.
test("A small call covers nothing", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  const { items } = await call("GET", "conversations", "alice");
  const { id } = items.find(({ kind }) => kind === "direct");
  // His own, of which none is unread: the conversation opens at its end.
  for (let each = 0; each < 20; each++) await post("messages", "bob", { conversationId: id, content: `Line ${each}` });
  const first = await post("messages", "bob", { conversationId: id, content: "Said before" });
  await post("messages", "bob", { conversationId: id, content: "A reply", threadId: first.id });
  await open(bob, "alice");
  await message(bob, "Said before").waitFor();
  await atEnd(bob);
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).getByRole("button", { name: "Accept", exact: true }).tap();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await bob.goBack();
  const shown = callOf(bob, "alice");
  await shown.locator(".controls").waitFor({ state: "hidden" });
  await post("messages", "alice", { conversationId: id, content: "The newest" });
  const newest = message(bob, "The newest");
  await newest.waitFor();
  ok(await clearOf(bob, shown, newest));
  ok(await clearOf(bob, shown, composer(bob)));
  await bob.locator(".replies").first().tap();
  const thread = bob.getByRole("main", { name: "Thread" });
  await thread.getByText("A reply").waitFor();
  ok(await clearOf(bob, shown, thread.getByText("A reply")));
  ok(await clearOf(bob, shown, composer(bob)));
  await bob.goBack();
  await thread.waitFor({ state: "detached" });
  await bob.getByRole("button", { name: "Back to conversations" }).tap();
  await conversations(bob).first().waitFor();
  ok(await clearOf(bob, shown, conversations(bob).first()));
  ok(await clearOf(bob, shown, bob.getByRole("button", { name: /^Your account/ })));
  await open(bob, "alice");
  await alice.getByRole("button", { name: "Hang up" }).click();
  await shown.getByText("The call has ended.").waitFor();
  ok(await clearOf(bob, shown, newest));
  ok(await clearOf(bob, shown, composer(bob)));
});

// A phone on its side has room for all of a call, beside what else can be tapped.
test("A call fits a phone on its side", ["whole_browser"], async () => {
  const [alice, bob] = await two({ viewport: { width: 844, height: 390 } });
  const { items } = await call("GET", "conversations", "alice");
  await post("messages", "bob", { conversationId: items.find(({ kind }) => kind === "direct").id, content: "On my side" });
  await open(bob, "alice");
  await message(bob, "On my side").waitFor();
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).getByRole("button", { name: "Accept", exact: true }).tap();
  const shown = callOf(bob, "alice");
  await shown.getByRole("timer").waitFor();
  const besides = async () => ({
    field: await clearOf(bob, shown, composer(bob)),
    details: await clearOf(bob, shown, bob.getByRole("button", { name: "Details" })),
    account: await clearOf(bob, shown, bob.getByRole("button", { name: /^Your account/ })),
  });
  deepEqual(await besides(), { field: true, details: true, account: true });
  await shown.getByRole("button", { name: "Enlarge" }).tap();
  await shown.getByRole("button", { name: "Turn microphone off" }).tap();
  await shown.getByRole("button", { name: "Turn microphone on" }).waitFor();
  await shown.getByRole("button", { name: "Make smaller" }).tap();
  await bob.goBack();
  await shown.locator(".controls").waitFor({ state: "hidden" });
  deepEqual(await besides(), { field: true, details: true, account: true });
  await shown.getByRole("button", { name: "Hang up" }).tap();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
});

// What can be done with a message does not stay above the call that is accepted meanwhile.
test("The sheet of a message is not above a call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  const { items } = await call("GET", "conversations", "alice");
  await post("messages", "bob", { conversationId: items.find(({ kind }) => kind === "direct").id, content: "Hold this" });
  await open(bob, "alice");
  await message(bob, "Hold this").waitFor();
  await atEnd(bob);
  await longPress(bob, bob.locator(".message").filter({ hasText: "Hold this" }));
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).getByRole("button", { name: "Accept", exact: true }).tap();
  const shown = callOf(bob, "alice");
  await callOf(alice, "bob").getByRole("timer").waitFor();
  equal(await bob.locator("dialog.sheet").count(), 0);
  await shown.getByRole("button", { name: "Hang up" }).tap();
  await becomes(() => shown.getByRole("timer").count(), 0);
});

// Back concerns the dialog in front of a call, and only then the call.
test("Back concerns the dialog in front of a call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  await bob.getByRole("button", { name: "New conversation" }).tap();
  await bob.getByRole("button", { name: /^New group/ }).tap();
  await choose(bob, "carol");
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).getByRole("button", { name: "Accept", exact: true }).tap();
  const dialog = bob.locator("dialog").first();
  await callOf(dialog, "alice").getByRole("timer").waitFor();
  await bob.goBack();
  const discard = bob.getByRole("button", { name: "Discard" });
  await discard.waitFor();
  const controls = callOf(bob, "alice").locator(".controls");
  ok(await controls.isVisible());
  await discard.tap();
  await dialog.waitFor({ state: "detached" });
  // The same with a dialog that is opened during the call.
  await openSettings(bob, "Profile");
  await callOf(dialog, "alice").getByRole("timer").waitFor();
  await bob.goBack();
  await dialog.waitFor({ state: "detached" });
  await controls.waitFor();
  await bob.waitForFunction(() => history.state?.layer === 1);
  await bob.goBack();
  await controls.waitFor({ state: "hidden" });
  await callOf(bob, "alice").getByRole("button", { name: "Hang up" }).tap();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
});

// Whether both are on the screen, and one does not cover the other.
async function clearOf(page, one, other) {
  const isClear = async () => {
    const [a, b] = [await one.boundingBox(), await other.boundingBox()];
    if (a === null || b === null) return false;
    const { height } = page.viewportSize();
    const isInSight = [a, b].every(({ y, height: tall }) => y >= 0 && y + tall <= height);
    return isInSight && (a.y + a.height <= b.y || b.y + b.height <= a.y);
  };
  return until(isClear, Boolean);
}
