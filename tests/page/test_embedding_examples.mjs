// The shops of the documentation, which show the chat in a frame.
import { deepEqual, equal } from "node:assert/strict";
import { ask, frameOf, ORDER, signWith, tokenOf, writes } from "./application.mjs";
import { message, say, until, visit } from "./browser.mjs";
import { PushService } from "./push_service.mjs";
import { becomes, test } from "./scenario_tests.mjs";
import { ServiceWorker, subscribingTo } from "./service_worker.mjs";

test("A customer writes on the page of an order of the Django example", ["django_example"], writesAboutOrder);
test("A customer writes on the page of an order of the Express example", ["express_example"], writesAboutOrder);

async function writesAboutOrder({ server }) {
  const { address, secret } = await server.shop();
  signWith(secret);
  const page = await visit({ at: `${address}/sign-in?name=alice`, expected: /favicon|status of 404/ });
  const chat = frameOf(page);
  await chat.getByRole("heading", { name: ORDER }).waitFor();
  await say(chat, "Is it on its way?");
  await message(chat, "Is it on its way?").waitFor();
  const stored = async () => {
    const { items } = await ask("GET", "conversations/order-17/messages", tokenOf("shop", { role: "service" }));
    return items.map(({ senderId, content }) => `${senderId}: ${content}`);
  };
  await becomes(stored, ["alice: Is it on its way?"]);
}

// The shop of docs/tutorials/django-shop.md: the customer and somebody of the shop sign in, open the order's page, and write.
test("A customer asks on the page of the tutorial's shop and is answered", ["django_shop"], async ({ server }) => {
  const { address, password } = await server.shop();
  // The form's field wants the focus at once, also where the test was faster.
  const expected = /favicon|status of 404|^Autofocus processing was blocked/;
  const [alice, support] = await Promise.all(
    ["alice", "support"].map(async (name) => {
      const page = await visit({ at: `${address}/login/?next=/orders/17/`, expected });
      await signIn(page, name, password);
      return frameOf(page);
    }),
  );
  await say(alice, "Is it on its way?");
  await message(support, "Is it on its way?").waitFor();
  await say(support, "It leaves tomorrow.");
  await message(alice, "It leaves tomorrow.").waitFor();
});

test("A customer who has left the Express example is pushed the answer", ["whole_browser", "express_example"], ({ server }) =>
  isPushedTheAnswer(server, { signInAt: "/sign-in?name=alice", customer: "alice", staff: "sam" }),
);

test("A customer who has left the tutorial's shop is pushed the answer", ["whole_browser", "django_shop"], ({ server }) =>
  isPushedTheAnswer(server, { signInAt: "/login/?next=/orders/17/", customer: "1", staff: "2" }),
);

// A customer asks on the page of an order, turns notifications on and leaves; the answer is pushed, and leads back there.
async function isPushedTheAnswer(server, { signInAt, customer, staff }) {
  const { address, secret, password } = await server.shop();
  signWith(secret);
  const service = new PushService();
  await service.start();
  try {
    const init = subscribingTo(service.subscription);
    const page = await visit({ at: address + signInAt, init, installs: true, expected: /favicon|status of 404/ });
    await page.context().grantPermissions(["notifications"], { origin: address });
    if (password !== null) await signIn(page, "alice", password);
    const chat = frameOf(page);
    await say(chat, "Is it on its way?");
    await message(chat, "Is it on its way?").waitFor();
    await page.getByRole("button", { name: "Notify me of answers" }).click();
    const stop = page.getByRole("button", { name: "Stop notifying me" });
    await stop.waitFor();
    const devices = async () => (await ask("GET", "users/me/push", tokenOf(customer))).items.length;
    await until(devices, (count) => count === 1);
    const worker = await ServiceWorker.of(page, address);

    // An answer that was read on the open page is no push, and the one that comes after the customer has left is the first.
    await writes(staff, "order-17", "I am looking.");
    await message(chat, "I am looking.").waitFor();
    await ask("POST", "conversations/order-17/read", tokenOf(customer), {});
    await page.goto("about:blank");
    const presence = () => ask("GET", `users/${customer}/presence`, tokenOf("shop", { role: "service" }));
    await until(presence, ({ status }) => status === "offline");
    await writes(staff, "order-17", "It leaves tomorrow.");
    await worker.deliver(await service.next());
    const [{ title, body }] = await worker.shown(1);
    deepEqual({ title, body }, { title: staff, body: "It leaves tomorrow." });
    const { opened, left } = await worker.click();
    deepEqual({ opened, left }, { opened: "/orders/17/", left: 0 });

    // What the customer reads on another device is removed here.
    await writes(staff, "order-17", "It arrives on Friday.");
    await worker.deliver(await service.next());
    await worker.shown(1);
    await ask("POST", "conversations/order-17/read", tokenOf(customer), {});
    await worker.deliver(await service.next());
    await worker.shown(0);

    // The page knows at its next start that the notifications are on, and turns them off.
    await page.goto(`${address}/orders/17/`);
    await stop.click();
    await page.getByRole("button", { name: "Notify me of answers" }).waitFor();
    equal(await page.evaluate(() => localStorage.getItem("subscribed")), null);
  } finally {
    service.stop();
  }
}

async function signIn(page, name, password) {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}
