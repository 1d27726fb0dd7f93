// The shop of docs/tutorials/fastapi-react.md: a customer asks on an order's page, and staff answers at a desk.
import { deepEqual, equal } from "node:assert/strict";
import { holdable, until, url, visit } from "./browser.mjs";
import { PushService } from "./push_service.mjs";
import { test } from "./scenario_tests.mjs";
import { ServiceWorker, subscribingTo } from "./service_worker.mjs";

const signedIn = (name, options) => visit({ path: `/sign-in?name=${name}`, ...options });
const texts = (page, selector) => page.locator(selector).allInnerTexts();
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const waiting = (page) => page.locator("ol").first().locator("li");

async function say(page, text) {
  await page.getByLabel("Message").fill(text);
  await press(page, "Send");
}

// What the shop's back end does at Talkwire, and what `curl` does at the shop.
async function send(method, address, headers, body) {
  const answer = await fetch(address, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${address} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

// Runs in a page. What Talkwire has of this browser.
async function deviceOf() {
  const chat = await (await fetch("/chat")).json();
  const headers = { Authorization: `Bearer ${chat.token}` };
  const { items } = await (await fetch(`${chat.url}/api/v1/users/me/push`, { headers })).json();
  const [{ deviceId, createdAt, renewedAt }] = items;
  return { count: items.length, isThis: deviceId === localStorage.deviceId, isRenewed: renewedAt > createdAt };
}

// A customer asks, and is pushed the answer of one of the staff, who hands the conversation over to a new colleague.
test("A customer asks and gets the answer of the desk as a push", ["whole_browser", "fastapi_shop"], async ({ server }) => {
  const service = new PushService();
  await service.start();
  try {
    await journey(service, await server.talkwire());
  } finally {
    service.stop();
  }
});

async function journey(service, { address, token }) {
  const asShop = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const atTalkwire = (method, path, body) => send(method, `${address}/api/v1/${path}`, asShop, body);
  const text = "Is it on its way?";

  const init = subscribingTo(service.subscription);
  const alice = await signedIn("alice", { init, installs: true });
  await alice.getByText("online").waitFor();
  await say(alice, text);
  await alice.getByText(`Alice: ${text}`).waitFor();
  await press(alice, "Notify me of answers");
  await alice.getByText("Your browser does not allow it").waitFor();
  await alice.context().grantPermissions(["notifications"]);
  await press(alice, "Notify me of answers");
  await alice.getByText("This browser notifies you").waitFor();
  const worker = await ServiceWorker.of(alice, url);
  await alice.goto("about:blank");
  await until(() => atTalkwire("GET", "users/alice/presence"), ({ status }) => status === "offline");
  await atTalkwire("POST", "messages", { conversationId: "order-18", senderId: "bob", content: "Hello?" });

  // Those who have waited for longer come first. A colleague who is hired now sees the same.
  const sam = await signedIn("sam");
  await waiting(sam).nth(1).waitFor();
  deepEqual(await send("POST", `${url}/staff/kim`), ["sam", "kim"]);
  const kim = await signedIn("kim");
  await waiting(kim).nth(1).waitFor();
  for (const page of [sam, kim]) {
    const rows = await waiting(page).allInnerTexts();
    deepEqual(rows.map((row) => row.split(",")[0]), ["Order 17", "Order 18"]);
  }

  // Both want to answer bob, and kim is faster.
  const calls = await holdable(sam, waiting(sam).nth(1));
  calls.hold();
  await waiting(sam).filter({ hasText: "Order 18" }).getByRole("button").click();
  await waiting(kim).filter({ hasText: "Order 18" }).getByRole("button").click();
  await kim.getByRole("heading", { name: "Order 18" }).waitFor();
  calls.release();
  await sam.getByText("A colleague was faster.").waitFor();
  await waiting(sam).getByText("(kim answers)").waitFor();

  // Sam answers alice, whose browser shows it although she has closed the page.
  await waiting(sam).filter({ hasText: "Order 17" }).getByRole("button").click();
  await sam.getByText(`Alice: ${text}`).waitFor();
  await say(sam, "Tomorrow.");
  await worker.deliver(await service.next());
  const [{ title, body }] = await worker.shown(1);
  deepEqual({ title, body }, { title: "Sam", body: "Tomorrow." });
  const { opened, left } = await worker.click();
  deepEqual({ opened, left }, { opened: "/", left: 0 });

  await alice.goto(url);
  await alice.getByText("Sam answers you.").waitFor();
  await alice.getByText("This browser notifies you").waitFor();
  deepEqual(await alice.evaluate(deviceOf), { count: 1, isThis: true, isRenewed: true });
  await send("POST", `${url}/orders/17/ship`);
  await alice.getByText("shipped").waitFor();
  await alice.getByText("The shop: ").waitFor();
  const seen = [`Alice: ${text}`, "Sam: Tomorrow.", "The shop: Your order is on its way."];
  deepEqual(await texts(alice, "li"), seen);
  equal(await alice.locator("strong").innerText(), "shipped");

  await press(sam, "Hand over to Kim");
  await alice.getByText("Support answers you.").waitFor();
  await press(kim, "Order 17");
  await kim.getByText("Sam: Tomorrow.").waitFor();
  await say(kim, "Goodbye.");
  await alice.getByText("Kim answers you.").waitFor();
  await press(kim, "Close");
  await alice.getByText("Ask us anything.").waitFor();
  deepEqual(await texts(kim, "ul li"), ["Order 18"]);
}
