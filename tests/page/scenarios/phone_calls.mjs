// Calls on a phone: what its Back button and a reload do to them.
import { conversations, open, opened, report, start, stays, visitAs } from "../browser.mjs";

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
  const hints = await ringer(bob).getByText("Press Esc").count();
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
  const missed = await bob.getByText("Missed call from alice").count();
  report("ringing", { again, hints, afterBack, entries, caller, at, missed });
}

// In a call, Back makes it small, and the browser asks before it leaves the page.
export async function talking() {
  const [alice, bob] = await two();
  await alice.getByRole("button", { name: "Call", exact: true }).click();
  await ringer(bob).getByRole("button", { name: "Accept", exact: true }).tap();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await bob.goBack();
  const call = callOf(bob, "alice");
  await call.locator(".controls").waitFor({ state: "hidden" });
  const small = {
    at: await bob.evaluate(() => location.hash),
    height: (await call.boundingBox()).height < 80,
    timers: await call.getByRole("timer").count(),
    pictures: await call.locator(".call-pictures:visible").count(),
  };
  const asked = stays(bob);
  // The page stays, so nothing is loaded.
  await bob.goBack({ timeout: 3_000 }).catch(() => undefined);
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await call.getByRole("button", { name: "Enlarge" }).tap();
  await call.locator(".controls").waitFor();
  await call.getByRole("button", { name: "Make smaller" }).tap();
  await call.getByRole("button", { name: "Hang up" }).tap();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  report("talked", { small, asked, after: await call.getByRole("timer").count() });
}
