// Calls on a phone: what its Back button and a reload do to them.
import { conversations, open, opened, report, start, visitAs } from "../browser.mjs";

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

// What a phone does that rings: it is reloaded, and its Back button is pressed. Neither tells the caller anything.
export async function ringing() {
  const [alice, bob] = await two();
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).waitFor();
  await bob.reload();
  await conversations(bob).first().waitFor();
  await ringer(bob).getByText("alice is calling").waitFor();
  const again = await ringer(bob).count();
  const before = await bob.evaluate(() => history.length);
  await bob.goBack();
  await ringer(bob).waitFor({ state: "detached" });
  const afterBack = await ringer(bob).count();
  await open(bob, "alice");
  await bob.goBack();
  await conversations(bob).first().waitFor();
  const at = await bob.evaluate(() => location.hash);
  const caller = await callOf(alice, "bob").locator(".says").textContent();
  await alice.getByRole("button", { name: "Hang up" }).click();
  await bob.getByText("Missed call from alice").first().waitFor();
  const entries = (await bob.evaluate(() => history.length)) - before;
  report("ringing", { again, afterBack, entries, caller, at, missed: await bob.getByText("Missed call from alice").count() });
}
