import { LOST, report, visit } from "../browser.mjs";

// The page loads its icons and its font from elsewhere, where this machine need not reach.
// A full Chromium complains about its password field, the one without windows does not.
const EXPECTED = new RegExp(`${LOST.source}|ERR_|Failed to load resource|^\\[DOM\\] Input elements should have autocomplete`);

// The page of Socket.IO's Admin UI, connected to `server`, where a socket of `user` is in `room`; it ends that socket.
export async function adminUi({ server, name, password, user, room }) {
  const page = await visit({ expected: EXPECTED, viewport: { width: 1400, height: 900 } });
  await page.getByLabel("Server URL").fill(server);
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill("a guess");
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByText("Invalid credentials").waitFor();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByText(/^\s*connected\s*$/i).first().waitFor();
  const show = (view) => page.getByRole("navigation").getByText(view, { exact: true }).click();
  const row = (text) => page.locator("tbody tr:visible").filter({ hasText: text }).first();

  await show("Servers");
  await row(/healthy/i).waitFor();
  await show("Rooms");
  await row(room).waitFor();
  await show("Clients");
  await row("127.0.0.1").waitFor();

  report("looking");
  await show("Events");
  await row("message:send").waitFor();
  await row("message:new").waitFor();
  const events = await page.locator("tbody:visible").last().innerText();

  await row("message:send").getByRole("link").click();
  await page.getByText(user).first().waitFor();
  await page.locator("tr", { hasText: "Status" }).getByRole("button").last().click();
  await page.getByText(/^\s*disconnected\s*$/i).first().waitFor();

  await page.reload();
  await page.getByText(/^\s*connected\s*$/i).first().waitFor();
  report("looked", { events });
}
