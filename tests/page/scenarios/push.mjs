import { call, message, open, opened, openSettings, post, report, say, until, url, visitAs } from "../browser.mjs";
import { PushService } from "../push_service.mjs";
import { ServiceWorker, subscribingTo } from "../service_worker.mjs";

// Leaves the page, and returns once the server knows.
async function leave(page) {
  await page.goto("about:blank");
  await until(() => call("GET", "users/alice/presence", "bob"), ({ status }) => status === "offline");
}

const offer = (page) => page.locator(".sidebar").getByRole("region", { name: /^Get notified/ });

// Pushes from the first offer to the sign-out, in one browser.
export async function pushes() {
  const service = new PushService();
  await service.start();
  try {
    await pushesOf(service);
  } finally {
    service.stop();
  }
}

// Answers the browser's question about notifications. An answer before the question would hide the offer.
async function allowWhenAsked(page) {
  await page.exposeFunction("allow", () => page.context().grantPermissions(["notifications"]));
  await page.evaluate(() => {
    Notification.requestPermission = async () => {
      await window.allow();
      return Notification.permission;
    };
  });
}

async function pushesOf(service) {
  const alice = await visitAs("alice", { init: subscribingTo(service.subscription), installs: true });
  await open(alice, "general");
  const { id } = await post("conversations", "bob", { kind: "direct", memberIds: ["alice"] });
  const send = (content) => post("messages", "bob", { conversationId: id, content });
  const early = await offer(alice).count();
  await send("The first");
  await offer(alice).waitFor();
  // A busy server may look at it when she has subscribed and left: what she has read is not pushed.
  await post(`conversations/${id}/read`, "alice", {});
  await allowWhenAsked(alice);
  await offer(alice).getByRole("button", { name: "Turn on" }).click();
  await offer(alice).waitFor({ state: "detached" });
  const devices = async () => (await call("GET", "users/me/push", "alice")).items.length;
  await until(devices, (count) => count === 1);
  const worker = await ServiceWorker.of(alice, url);

  // While no page is open, the service worker shows what comes, and a click opens a page.
  await leave(alice);
  const away = await send("While you were away");
  await worker.deliver(await service.next());
  const shown = await worker.shown(1);
  const { opened: address, left } = await worker.click();
  report("away", { early, shown: shown.map(({ title, body, silent }) => ({ title, body, silent })), left });
  report("opened", { isPlace: address === `${url}/#/conversation/${id}/${away.id}` });

  // What was read on another device is closed here.
  const { id: messageId } = await send("To be read elsewhere");
  await worker.deliver(await service.next());
  await worker.shown(1);
  await post(`conversations/${id}/read`, "alice", { messageId });
  const dismissal = await service.next();
  await worker.deliver(dismissal);
  const { length } = await worker.shown(0);
  report("read", { type: dismissal.type, badge: dismissal.badge, left: length });

  // A click leads an open page to the message. It is in another conversation, so it does not read it by itself.
  const last = await send("Look here");
  const pushed = await service.next();
  await alice.goto(url);
  await open(alice, "general");
  await worker.deliver(pushed);
  await worker.shown(1);
  const { focused } = await worker.click();
  await opened(alice, "bob");
  await message(alice, "Look here").waitFor();
  report("led", { focused, message: (await alice.evaluate(() => location.hash)).endsWith(`/${last.id}`) });

  // The reader ends it where it is listed, and starts it again; signing out ends it, too.
  await openSettings(alice, "Devices");
  await alice.getByText("This device").waitFor();
  await alice.getByRole("button", { name: "Stop notifications on Chrome on Linux" }).click();
  await until(devices, (count) => count === 0);
  await alice.getByText("No devices.").waitFor();
  await alice.getByRole("tab", { name: "Notifications" }).click();
  await alice.getByText("Notifications are off in this browser.").waitFor();
  await alice.getByRole("button", { name: "Turn on" }).click();
  await alice.getByText("They also arrive when this page is closed.").waitFor();
  await alice.keyboard.press("Escape");
  const again = await devices();
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitem", { name: "Sign out" }).click();
  await alice.getByRole("heading", { name: "Try it as" }).waitFor();
  report("signed out", { again, left: await devices(), subscribed: await alice.evaluate(() => localStorage.getItem("subscribed")) });
}

// Who does not want notifications now is not asked again.
export async function notNow() {
  const bob = await visitAs("bob");
  await open(bob, "general");
  await say(bob, "Hello");
  await offer(bob).getByRole("button", { name: "Not now" }).click();
  await offer(bob).waitFor({ state: "detached" });
  await bob.reload();
  await open(bob, "general");
  await say(bob, "Hello again");
  await message(bob, "Hello again").waitFor();
  // The offer would come with the event of a message, not with the answer to one's own.
  await post("messages", "carol", { conversationId: "general", content: "Hello, bob" });
  await message(bob, "Hello, bob").waitFor();
  report("declined", { offers: await offer(bob).count() });
}

// Notifications are on in a browser without push: its settings say why nothing is pushed to it.
export async function impossible() {
  const init = () => {
    window.Notification = class {
      static permission = "granted";
    };
  };
  const page = await visitAs("test", { init });
  await openSettings(page, "Devices");
  report("impossible", { says: await page.locator(".devices .hint").textContent() });
}
