import { atEnd, call, conversations, listed, message, open, pause, post, report, slowly, until, visitAs } from "../browser.mjs";

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

async function openSlowly(user) {
  const page = await visitAs(user, { at: await slowly(LATENCY_MS) });
  await open(page, "many-unread");
  await page.locator(".message").first().waitFor();
  await page.locator(".scroller .unread-from").waitFor();
  return page;
}

// Nobody touches anything for some seconds.
export async function untouched() {
  const carol = await openSlowly("carol");
  const opened = await opensAt(carol);
  await pause(UNTOUCHED_MS);
  await settled(carol);
  const staysAt = (await top(carol)).says;
  report("untouched", { opens_at: opened, stays_at: staysAt, unread: await unreadIn("carol", "many-unread"), below: 5_000 - (await lowest(carol)) });
}

// One flick to the end of what is loaded, and the hands are off.
export async function flick() {
  const alice = await openSlowly("alice");
  const opened = await opensAt(alice);
  await alice.mouse.move(700, 350);
  await wheel(alice, 3_600);
  await pause(UNTOUCHED_MS);
  await settled(alice);
  const staysAt = Number((await top(alice)).says.split(" ")[1]);
  report("flicked", { opens_at: opened, stays_at: staysAt, unread: await unreadIn("alice", "many-unread"), below: 5_000 - (await lowest(alice)) });
}

// Another conversation, and back: with little and with very much in between, and from the end.
export async function away_and_back() {
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
  await bob.mouse.move(700, 350);
  // Older pages come as fast as the machine is.
  const numberAt = ({ says }) => Number(says.split(" ")[1]);
  const further = async () => {
    await bob.mouse.wheel(0, -1_500);
    await pause(100);
    return numberAt(await top(bob));
  };
  await until(further, (number) => number < 4_400);
  await settled(bob);
  const far = await top(bob);
  await open(bob, "general");
  await open(bob, "many-unread");
  await settled(bob);
  const fromFar = await top(bob);
  const toNewest = bob.getByRole("button", { name: /^Jump to newest/ });
  await toNewest.click();
  await message(bob, "Message 5000").waitFor();
  // Then the page knows that it is at the end.
  await toNewest.waitFor({ state: "detached" });
  await open(bob, "general");
  await open(bob, "many-unread");
  await message(bob, "Message 5000").waitFor();
  await atEnd(bob);
  report("returned", {
    to_the_same: back.says === near.says,
    // Rows stand at fractions of a pixel, and the browser scrolls by whole ones.
    moved_px: Math.floor(Math.abs(back.px - near.px)),
    after_reading_far: numberAt(far) < 4_500 && fromFar.says === far.says,
    at_the_end: await message(bob, "Message 5000").isVisible(),
  });
}

// Where nothing was read yet, the unread begins with the first message of all.
export async function first_day() {
  const carol = await visitAs("carol");
  const opens = [];
  const below = [];
  for (const name of ["forty", "many"]) {
    await open(carol, name);
    await message(carol, "Message 1").waitFor();
    await settled(carol);
    opens.push((await top(carol)).says);
    below.push((name === "forty" ? 40 : 120) - (await lowest(carol)));
  }
  const counts = async () => [await unreadIn("carol", "forty"), await unreadIn("carol", "many")];
  const left = async () => (await counts()).map((count, at) => count - below[at]);
  const unread = await until(left, (all) => all.every((count) => count === 0));
  report("opened", { forty: opens[0], many: opens[1], unread });
}

// What is a little below the screen was not seen.
export async function nearly_at_the_end() {
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
  const before = (await unreadIn("alice", "talk-123")) - (60 - (await lowest(alice)));
  await alice.locator(".scroller").evaluate((it) => it.scrollTo({ top: it.scrollHeight }));
  await listed(alice, "talk-123").locator(".count").waitFor({ state: "detached" });
  // The page shows that it is read before the server knows.
  while ((await unreadIn("alice", "talk-123")) !== 0) await pause(20);
  report("read", { before });
}
