import { call, conversations, message, open, post, report, slowly, visitAs } from "../browser.mjs";

const LATENCY_MS = 400;
const UNTOUCHED_MS = 4_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The first message that can be seen whole, and where it stands.
const top = (page) =>
  page.locator(".scroller").evaluate((it) => {
    const frame = it.getBoundingClientRect().top;
    const seen = [...it.querySelectorAll(".message")].find((each) => each.getBoundingClientRect().top >= frame);
    return { says: seen.querySelector(".text").textContent, px: seen.getBoundingClientRect().top - frame };
  });

// The page has stopped moving and loading.
async function settled(page) {
  for (let before = ""; ; ) {
    const now = JSON.stringify([await top(page), await page.locator(".scroller").evaluate((it) => it.scrollHeight)]);
    if (now === before) return;
    before = now;
    await pause(2 * LATENCY_MS);
  }
}

const unreadIn = async (user, id) => `${(await call("GET", `conversations/${id}`, user)).unreadCount} unread`;

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
  const opensAt = (await top(carol)).says;
  await pause(UNTOUCHED_MS);
  await settled(carol);
  const staysAt = (await top(carol)).says;
  report("untouched", { opens_at: opensAt, stays_at: staysAt, unread: await unreadIn("carol", "many-unread") });
}

// One flick to the end of what is loaded, and the hands are off.
export async function flick() {
  const alice = await openSlowly("alice");
  const opensAt = (await top(alice)).says;
  await alice.mouse.move(700, 350);
  await alice.mouse.wheel(0, 3_600);
  await pause(UNTOUCHED_MS);
  await settled(alice);
  const staysAt = Number((await top(alice)).says.split(" ")[1]);
  report("flicked", { opens_at: opensAt, stays_at: staysAt, unread: await unreadIn("alice", "many-unread") });
}

// Another conversation, and back: with little and with very much in between, and from the end.
export async function away_and_back() {
  const bob = await visitAs("bob");
  await open(bob, "many-unread");
  await message(bob, "Message 5000").waitFor();
  await bob.mouse.move(700, 350);
  await bob.mouse.wheel(0, -2_000);
  await settled(bob);
  const near = await top(bob);
  await open(bob, "general");
  await open(bob, "many-unread");
  await settled(bob);
  const back = await top(bob);
  await bob.mouse.move(700, 350);
  for (let step = 0; step < 30; step++) {
    await bob.mouse.wheel(0, -1_500);
    await pause(100);
  }
  await settled(bob);
  const far = await top(bob);
  await open(bob, "general");
  await open(bob, "many-unread");
  await settled(bob);
  const fromFar = await top(bob);
  await bob.getByRole("button", { name: /^Jump to newest/ }).click();
  await message(bob, "Message 5000").waitFor();
  await open(bob, "general");
  await open(bob, "many-unread");
  await message(bob, "Message 5000").waitFor();
  report("returned", {
    to_the_same: back.says === near.says,
    moved_px: Math.round(Math.abs(back.px - near.px)),
    after_reading_far: Number(far.says.split(" ")[1]) < 4_500 && fromFar.says === far.says,
    at_the_end: await message(bob, "Message 5000").isVisible(),
  });
}

// Where nothing was read yet, the unread begins with the first message of all.
export async function first_day() {
  const carol = await visitAs("carol");
  const opens = [];
  for (const name of ["forty", "many"]) {
    await open(carol, name);
    await message(carol, "Message 1").waitFor();
    await settled(carol);
    opens.push((await top(carol)).says);
  }
  const unread = [await unreadIn("carol", "forty"), await unreadIn("carol", "many")];
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
  const before = await unreadIn("alice", "talk-123");
  await alice.locator(".scroller").evaluate((it) => it.scrollTo({ top: it.scrollHeight }));
  await conversations(alice).getByTitle("60 unread").waitFor({ state: "detached" });
  // The page shows that it is read before the server knows.
  while ((await unreadIn("alice", "talk-123")) !== "0 unread") await pause(20);
  report("read", { before });
}
