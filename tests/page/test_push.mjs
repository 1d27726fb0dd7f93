// Notifications that the server pushes while the page is closed: only the browser vendor's push service is a double.
import { deepEqual, equal, ok } from "node:assert/strict";
import { call, message, open, openSettings, opened, post, say, until, url, visitAs } from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";
import { PushService } from "./push_service.mjs";
import { ServiceWorker, subscribingTo } from "./service_worker.mjs";

// Leaves the page, and returns once the server knows.
async function leave(page) {
  await page.goto("about:blank");
  await until(() => call("GET", "users/alice/presence", "bob"), ({ status }) => status === "offline");
}

const offer = (page) => page.locator(".sidebar").getByRole("region", { name: /^Get notified/ });

// Pushes from the first offer to the sign-out, in one browser.
test("Pushes are shown, clicked, dismissed and ended", ["whole_browser"], async () => {
  const service = new PushService();
  await service.start();
  try {
    await pushesOf(service);
  } finally {
    service.stop();
  }
});

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
  equal(await offer(alice).count(), 0);
  await send("The first");
  await offer(alice).waitFor();
  // A busy server may look at it when she has subscribed and left: what she has read is not pushed.
  await post(`conversations/${id}/read`, "alice", {});
  await allowWhenAsked(alice);
  await offer(alice).getByRole("button", { name: "Turn on" }).click();
  await offer(alice).waitFor({ state: "detached" });
  const devices = async () => (await call("GET", "users/me/push", "alice")).items.length;
  await becomes(devices, 1);
  const worker = await ServiceWorker.of(alice, url);

  // While no page is open, the service worker shows what comes, and a click opens a page.
  await leave(alice);
  const away = await send("While you were away");
  await worker.deliver(await service.next());
  const [{ title, body, silent }, ...more] = await worker.shown(1);
  deepEqual([{ title, body, silent }, ...more], [{ title: "bob", body: "While you were away", silent: false }]);
  const { opened: address, left } = await worker.click();
  equal(left, 0);
  equal(address, `${url}/#/conversation/${id}/${away.id}`);

  // What was read on another device is closed here.
  const { id: messageId } = await send("To be read elsewhere");
  await worker.deliver(await service.next());
  await worker.shown(1);
  await post(`conversations/${id}/read`, "alice", { messageId });
  const dismissal = await service.next();
  await worker.deliver(dismissal);
  equal(dismissal.type, "dismiss");
  equal(dismissal.badge, 0);
  deepEqual(await worker.shown(0), []);

  // A click leads an open page to the message. It is in another conversation, so it does not read it by itself.
  const last = await send("Look here");
  const pushed = await service.next();
  await alice.goto(url);
  await open(alice, "general");
  await worker.deliver(pushed);
  await worker.shown(1);
  equal((await worker.click()).focused, true);
  await opened(alice, "bob");
  await message(alice, "Look here").waitFor();
  ok((await alice.evaluate(() => location.hash)).endsWith(`/${last.id}`));

  // The reader ends it where it is listed, and starts it again; signing out ends it, too.
  await openSettings(alice, "Devices");
  await alice.getByText("This device").waitFor();
  await alice.getByRole("button", { name: "Stop notifications on Chrome on Linux" }).click();
  await becomes(devices, 0);
  await alice.getByText("No devices.").waitFor();
  await alice.getByRole("tab", { name: "Notifications" }).click();
  await alice.getByText("Notifications are off in this browser.").waitFor();
  await alice.getByRole("button", { name: "Turn on" }).click();
  await alice.getByText("They also arrive when this page is closed.").waitFor();
  await alice.keyboard.press("Escape");
  equal(await devices(), 1);
  await alice.getByRole("button", { name: /^Your account/ }).click();
  await alice.getByRole("menuitem", { name: "Sign out" }).click();
  await alice.getByRole("heading", { name: "Try it as" }).waitFor();
  equal(await devices(), 0);
  equal(await alice.evaluate(() => localStorage.getItem("subscribed")), null);
}

test("Who declines notifications is not asked again", ["whole_browser"], async () => {
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
  equal(await offer(bob).count(), 0);
});

// Notifications are on in a browser without push: its settings say why nothing is pushed to it.
test("A browser without push says why it is not among the devices", ["whole_browser"], async () => {
  const init = () => {
    window.Notification = class {
      static permission = "granted";
    };
  };
  const page = await visitAs("test", { init });
  await openSettings(page, "Devices");
  equal(
    await page.locator(".devices .hint").textContent(),
    "No devices. They arrive only while this page is open, because this browser doesn't support push here.",
  );
});
