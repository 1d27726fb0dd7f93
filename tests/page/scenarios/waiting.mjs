// The reader's own messages that are not sent yet: slow mode, and what can be done with a message that waits.
import { call, composer, holdable, letters, message, open, post, report, say, until, visitAs } from "../browser.mjs";

const HOUR_S = 3_600;
const group = (name, more = {}) => post("conversations", "alice", { kind: "group", name, memberIds: ["bob"], ...more });
const slow = (id, slowModeS) => call("PATCH", `conversations/${id}`, "alice", { slowModeS });
const slowed = (page) => page.locator(".composer .slowed");
const send = (page) => page.locator(".composer").getByRole("button", { name: "Send", exact: true });
const text = (page) => composer(page).inputValue();
const untimed = (said) => said.replace(/\d[\d:]*/, "…");

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
  const counted = first !== (await until(() => slowed(bob).textContent(), (said) => said !== first));
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
async function delayed(name) {
  const { id } = await group(name);
  const bob = await visitAs("bob");
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
