import { answers, launch, message, opened, report, say, submitAccount, visit } from "../browser.mjs";

// Behind a proxy with TLS: an invitation link leads to a chat over a WebSocket, and the browser keeps the page. `trusted`
// is the hash of the proxy's public key, since nobody has signed its certificate.
export async function chat({ trusted }) {
  const browser = await launch(`--ignore-certificate-errors-spki-list=${trusted}`);
  report("ready");
  const { value: path } = await answers.next();
  const page = await visit({ path, from: browser, installs: true });
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url()).protocol));
  await submitAccount(page, { Name: "Ann", "E-mail": "ann@example.com", Password: "correct horse" });
  await opened(page, "Orders");
  await say(page, "Is it on its way?");
  await page.getByRole("img", { name: "Sent" }).or(page.getByRole("img", { name: "Delivered" })).first().waitFor();
  report("sent");
  await message(page, "It is.").waitFor();
  const worker = await page.evaluate(async () => new URL((await navigator.serviceWorker.ready).active.scriptURL).pathname);
  report("chatted", { sockets: [...new Set(sockets)], worker });
}
