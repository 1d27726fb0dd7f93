// The web client behind a proxy with TLS, with the settings of docs/deployment.
import { deepEqual, equal } from "node:assert/strict";
import { launch, message, opened, say, submitAccount, visit } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

// An invitation link leads to a chat over a WebSocket, and the browser keeps the page.
test("Somebody who is invited signs in and chats", ["whole_browser", "documented_site"], async ({ server }) => {
  // Nobody has signed the proxy's certificate, so the browser gets the hash of its public key.
  const browser = await launch(`--ignore-certificate-errors-spki-list=${await server.key()}`);
  const page = await visit({ path: await server.invite(), from: browser, installs: true });
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url()).protocol));
  await submitAccount(page, { Name: "Ann", "E-mail": "ann@example.com", Password: "correct horse" });
  await opened(page, "Orders");
  await say(page, "Is it on its way?");
  await page.getByRole("img", { name: "Sent" }).or(page.getByRole("img", { name: "Delivered" })).first().waitFor();
  await server.answer("It is.");
  await message(page, "It is.").waitFor();
  deepEqual([...new Set(sockets)], ["wss:"]);
  const script = await page.evaluate(async () => (await navigator.serviceWorker.ready).active.scriptURL);
  equal(new URL(script).pathname, "/service_worker.js");
});
