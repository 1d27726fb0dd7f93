// Conversations of which very much is unread, over a slow network: the page stays where the reader is.
import { equal, ok } from "node:assert/strict";
import {
  atEnd,
  call,
  conversations,
  listed,
  message,
  open,
  pause,
  post,
  slowly,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const LATENCY_MS = 400;
const UNTOUCHED_MS = 4_000;

// The first message that can be seen whole, and where it stands.
const top = (page) =>
  page.locator(".scroller").evaluate(async (it) => {
    const frame = it.getBoundingClientRect().top;
    const find = () => [...it.querySelectorAll(".message")].find((each) => each.getBoundingClientRect().top >= frame);
    // A list that has just been opened may be empty until the next frame.
    while (find() === undefined) await new Promise(requestAnimationFrame);
    const seen = find();
    return { says: seen.querySelector(".text").textContent, px: seen.getBoundingClientRect().top - frame };
  });

const numberAt = ({ says }) => Number(says.split(" ")[1]);

// The page has stopped moving and loading.
async function settled(page) {
  for (let before = ""; ; ) {
    const now = JSON.stringify([await top(page), await page.locator(".scroller").evaluate((it) => it.scrollHeight)]);
    if (now === before) return;
    before = now;
    // By the page's own clock, which is slow where the page is.
    await page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), 2 * LATENCY_MS);
  }
}

// Where a conversation has opened: the list gets there in a few steps.
async function opensAt(page) {
  for (let before = ""; ; ) {
    const { says } = await top(page);
    if (says === before) return says;
    before = says;
    await page.evaluate(async () => {
      for (let frames = 0; frames < 10; frames++) await new Promise(requestAnimationFrame);
    });
  }
}

// Turns the wheel, and waits until the list has moved.
async function wheel(page, pixels) {
  const position = () => page.locator(".scroller").evaluate((it) => it.scrollTop);
  const before = await position();
  await page.mouse.wheel(0, pixels);
  await until(position, (now) => now !== before);
}

const unreadIn = async (user, id) => (await call("GET", `conversations/${id}`, user)).unreadCount;

// The number of the last message of which one sees the end: what is in sight for half a second is read.
const lowest = (page) =>
  page.locator(".scroller").evaluate((it) => {
    // What is below the text of a message may be out of sight.
    const frame = it.getBoundingClientRect().bottom + 0.5;
    const seen = [...it.querySelectorAll(".text")].findLast((each) => each.getBoundingClientRect().bottom <= frame);
    return Number(seen.textContent.split(" ")[1]);
  });

// Whether as many are unread as are below the last one in sight.
const countsWhatIsBelow = async (page, user) =>
  Math.abs((await unreadIn(user, "many-unread")) - (5_000 - (await lowest(page)))) <= 1;

async function openSlowly(user) {
  const page = await visitAs(user, { at: await slowly(LATENCY_MS) });
  await open(page, "many-unread");
  await page.locator(".message").first().waitFor();
  await page.locator(".scroller .unread-from").waitFor();
  return page;
}

// Nobody touches anything for some seconds.
test("A conversation that nobody touches stays where it opened", ["unread_server"], async () => {
  const carol = await openSlowly("carol");
  equal(await opensAt(carol), "Message 1");
  await pause(UNTOUCHED_MS);
  await settled(carol);
  equal((await top(carol)).says, "Message 1");
  ok(await countsWhatIsBelow(carol, "carol"));
});

// One flick to the end of what is loaded, and the hands are off.
test("A reader at the end of what is loaded is not carried on", ["unread_server"], async () => {
  const alice = await openSlowly("alice");
  equal(await opensAt(alice), "Message 1001");
  await alice.mouse.move(700, 350);
  await wheel(alice, 3_600);
  await pause(UNTOUCHED_MS);
  await settled(alice);
  const staysAt = numberAt(await top(alice));
  ok(staysAt > 1_001 && staysAt < 1_100, `it stays at message ${staysAt}`);
  ok(await countsWhatIsBelow(alice, "alice"));
});

// Another conversation, and back: with little and with very much in between, and from the end.
test("Coming back leads to the message that was left", ["unread_server"], async () => {
  const bob = await visitAs("bob");
  await open(bob, "many-unread");
  await message(bob, "Message 5000").waitFor();
  await atEnd(bob);
  await bob.mouse.move(700, 350);
  await wheel(bob, -2_000);
  await settled(bob);
  const near = await top(bob);
  await open(bob, "general");
  await open(bob, "many-unread");
  await settled(bob);
  const back = await top(bob);
  equal(back.says, near.says);
  // Rows stand at fractions of a pixel, and the browser scrolls by whole ones.
  equal(Math.floor(Math.abs(back.px - near.px)), 0);
  await bob.mouse.move(700, 350);
  // Older pages come as fast as the machine is.
  const further = async () => {
    await bob.mouse.wheel(0, -1_500);
    await pause(100);
    return numberAt(await top(bob));
  };
  await until(further, (number) => number < 4_400);
  await settled(bob);
  const far = await top(bob);
  ok(numberAt(far) < 4_500);
  await open(bob, "general");
  await open(bob, "many-unread");
  await settled(bob);
  equal((await top(bob)).says, far.says);
  const toNewest = bob.getByRole("button", { name: /^Jump to newest/ });
  await toNewest.click();
  await message(bob, "Message 5000").waitFor();
  // Then the page knows that it is at the end.
  await toNewest.waitFor({ state: "detached" });
  await open(bob, "general");
  await open(bob, "many-unread");
  await message(bob, "Message 5000").waitFor();
  await atEnd(bob);
  ok(await message(bob, "Message 5000").isVisible());
});

// Where nothing was read yet, the unread begins with the first message of all.
test("A new conversation opens at its first message", ["unread_server"], async () => {
  const carol = await visitAs("carol");
  const below = [];
  for (const name of ["forty", "many"]) {
    await open(carol, name);
    await message(carol, "Message 1").waitFor();
    await settled(carol);
    equal((await top(carol)).says, "Message 1");
    below.push((name === "forty" ? 40 : 120) - (await lowest(carol)));
  }
  const counts = async () => [await unreadIn("carol", "forty"), await unreadIn("carol", "many")];
  // Nothing is unread but what is below the screen.
  const left = async () => (await counts()).map((count, at) => count - below[at]);
  await becomes(left, [0, 0]);
});

// What is a little below the screen was not seen.
test("Only what was on the screen is read", ["unread_server"], async () => {
  const alice = await visitAs("alice");
  await post("conversations/talk-123/read", "alice", {});
  for (let number = 1; number <= 60; number++)
    await post("messages", "bob", { conversationId: "talk-123", content: `Message ${number}` });
  await conversations(alice).getByTitle("60 unread").waitFor();
  await open(alice, "talk-123");
  await alice.locator(".unread-from").waitFor();
  await settled(alice);
  // Rows are measured as they come near.
  for (const left of [500, 300, 180, 90]) {
    await alice.locator(".scroller").evaluate((it, px) => it.scrollTo(0, it.scrollHeight - it.clientHeight - px), left);
    await settled(alice);
  }
  equal((await unreadIn("alice", "talk-123")) - (60 - (await lowest(alice))), 0);
  await alice.locator(".scroller").evaluate((it) => it.scrollTo({ top: it.scrollHeight }));
  await listed(alice, "talk-123").locator(".count").waitFor({ state: "detached" });
  // The page shows that it is read before the server knows.
  await becomes(() => unreadIn("alice", "talk-123"), 0);
});
