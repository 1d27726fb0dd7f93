// The example shops of the documentation, which show the chat in a frame.
import { message, report, say, until, visit } from "../browser.mjs";
import { ask, frameOf, ORDER, signWith, tokenOf, writes } from "../application.mjs";
import { PushService } from "../push_service.mjs";
import { ServiceWorker, subscribingTo } from "../service_worker.mjs";

// An example of the documentation: the customer opens the order's page, reads and writes.
export async function example({ shop: at, secret }) {
  signWith(secret);
  const page = await visit({ at: `${at}/sign-in?name=alice`, expected: /favicon|status of 404/ });
  const chat = frameOf(page);
  await chat.getByRole("heading", { name: ORDER }).waitFor();
  await say(chat, "Is it on its way?");
  await message(chat, "Is it on its way?").waitFor();
  const stored = async () => {
    const { items } = await ask("GET", "conversations/order-17/messages", tokenOf("shop", { role: "service" }));
    return items.map(({ senderId, content }) => `${senderId}: ${content}`);
  };
  report("example", { stored: await until(stored, (texts) => texts.length > 0) });
}

// The shop of a tutorial: the customer and somebody of the shop sign in, open the order's page, and write.
export async function signedInExample({ shop: at, password }) {
  // The form's field wants the focus at once, also where the scenario was faster.
  const expected = /favicon|status of 404|^Autofocus processing was blocked/;
  const [alice, support] = await Promise.all(
    ["alice", "support"].map(async (name) => {
      const page = await visit({ at: `${at}/login/?next=/orders/17/`, expected });
      await signIn(page, name, password);
      return frameOf(page);
    }),
  );
  await say(alice, "Is it on its way?");
  await message(support, "Is it on its way?").waitFor();
  await say(support, "It leaves tomorrow.");
  await message(alice, "It leaves tomorrow.").waitFor();
  report("example", { answered: true });
}

// A customer asks on the page of an order, turns notifications on and leaves; the answer is pushed, and leads back there.
export async function pushedAnswer({ shop: at, secret, people }) {
  const { signInAt, password, customer, staff } = people;
  signWith(secret);
  const service = new PushService();
  await service.start();
  try {
    const init = subscribingTo(service.subscription);
    const page = await visit({ at: at + signInAt, init, installs: true, expected: /favicon|status of 404/ });
    await page.context().grantPermissions(["notifications"], { origin: at });
    if (password !== undefined) await signIn(page, "alice", password);
    const chat = frameOf(page);
    await say(chat, "Is it on its way?");
    await message(chat, "Is it on its way?").waitFor();
    await page.getByRole("button", { name: "Notify me of answers" }).click();
    const stop = page.getByRole("button", { name: "Stop notifying me" });
    await stop.waitFor();
    const devices = async () => (await ask("GET", "users/me/push", tokenOf(customer))).items.length;
    await until(devices, (count) => count === 1);
    const worker = await ServiceWorker.of(page, at);

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
    const { opened: address, left } = await worker.click();
    report("pushed", { title, body, address, left });

    // What the customer reads on another device is removed here.
    await writes(staff, "order-17", "It arrives on Friday.");
    await worker.deliver(await service.next());
    await worker.shown(1);
    await ask("POST", "conversations/order-17/read", tokenOf(customer), {});
    await worker.deliver(await service.next());
    await worker.shown(0);

    // The page knows at its next start that the notifications are on, and turns them off.
    await page.goto(`${at}/orders/17/`);
    await stop.click();
    await page.getByRole("button", { name: "Notify me of answers" }).waitFor();
    report("stopped", { subscribed: await page.evaluate(() => localStorage.getItem("subscribed")) });
  } finally {
    service.stop();
  }
}

async function signIn(page, name, password) {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}
