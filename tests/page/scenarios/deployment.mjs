import { answers, message, opened, report, say, submitAccount, visit } from "../browser.mjs";

// Behind a proxy with TLS, whose certificate no browser knows: an invitation link leads to a chat over a WebSocket.
export async function chat() {
  report("ready");
  const { value: path } = await answers.next();
  const page = await visit({ path, ignoreHTTPSErrors: true });
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url()).protocol));
  await submitAccount(page, { Name: "Ann", "E-mail": "ann@example.com", Password: "correct horse" });
  await opened(page, "Orders");
  await say(page, "Is it on its way?");
  await page.getByRole("img", { name: "Sent" }).or(page.getByRole("img", { name: "Delivered" })).first().waitFor();
  report("sent");
  await message(page, "It is.").waitFor();
  report("chatted", { sockets: [...new Set(sockets)] });
}
