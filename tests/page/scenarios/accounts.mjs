import { message, messages, open, post, report, say, start, submitAccount, url, visit, visitAs } from "../browser.mjs";

export async function account() {
  const dora = await visit({ expected: /status of 401/ });
  const credentials = { "E-mail": "dora@example.com", Password: "correct horse" };
  const me = (page) => page.locator("aside header").getByText("Dora");
  await submitAccount(dora, { Name: "Dora", ...credentials });
  await me(dora).waitFor();
  await dora.reload();
  await me(dora).waitFor();
  const tab = await dora.context().newPage();
  await tab.goto(url);
  await me(tab).waitFor();
  await tab.close();
  await dora.getByRole("button", { name: /^Your account/ }).click();
  await dora.getByRole("menuitem", { name: "Sign out" }).click();
  await submitAccount(dora, { ...credentials, Password: "wrong" });
  await dora.locator(".entrance > form .problem:not(:empty)").waitFor();
  report("refused", { reason: await dora.locator(".entrance > form .problem").textContent() });
  const forgot = dora.getByText("Forgot your password?");
  await forgot.waitFor();
  await dora.locator(".entrance form:not(.demo-other) button.quiet").click();
  await dora.getByRole("textbox", { name: "Name" }).waitFor();
  await forgot.waitFor({ state: "detached" });
  const carried = [await dora.locator(".entrance > form .problem").textContent(), await dora.getByLabel("Password").inputValue()];
  const kept = await dora.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage }));
  await submitAccount(dora, credentials);
  await start(dora, ["alice"]);
  await say(dora, "Signed in");
  await message(dora, "Signed in").waitFor();
  report("signed in", { kept, carried });
}

// The server's tokens are good for very few seconds.
export async function expiry() {
  const erik = await visit({ expected: /status of 401/ });
  await submitAccount(erik, { Name: "Erik", "E-mail": "erik@example.com", Password: "correct horse" });
  await start(erik, ["alice"]);
  await say(erik, "Before");
  await message(erik, "Before").waitFor();
  for (let renewals = 0; renewals < 2; renewals++) {
    await erik.waitForResponse((response) => response.url().endsWith("/auth/refresh") && response.ok());
  }
  await say(erik, "After");
  await message(erik, "After").waitFor();
  report("renewed", { messages: await messages(erik).allTextContents() });
}

// Somebody else signs in, in another tab: no tab continues to show what the former one sees.
export async function switched() {
  const page = await visit();
  const name = (own) => page.locator("aside header").getByText(own);
  await submitAccount(page, { Name: "Gina", "E-mail": "gina@example.com", Password: "correct horse" });
  await name("Gina").waitFor();
  const { user, accessToken, refreshToken } = await post("auth/register", "alice", {
    email: "hugo@example.com",
    password: "correct horse",
    name: "Hugo",
  });
  const other = await page.context().newPage();
  await other.goto(`${url}/demo.json`);
  const session = JSON.stringify({ user, accessToken, refreshToken });
  await other.evaluate((text) => localStorage.setItem("talkwire.session", text), session);
  await name("Hugo").waitFor();
  await start(page, ["alice"]);
  await say(page, "By whom?");
  await message(page, "By whom?").waitFor();
  report("switched", { by: await page.locator(".message .name").last().textContent() });
}

// A token with the role `admin`: the server refuses sync to it, and the page loads the conversations instead.
export async function admin({ token }) {
  // A page of the server would follow the session before it is loaded again.
  const page = await visit({ at: "about:blank" });
  const asked = [];
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => asked.push(...(String(payload).match(/sync|conversations:list/) ?? [])));
  });
  const other = await page.context().newPage();
  await other.goto(`${url}/demo.json`);
  const session = JSON.stringify({ user: { id: "alice", name: "alice" }, accessToken: token });
  await other.evaluate((text) => localStorage.setItem("talkwire.session", text), session);
  await other.close();
  await page.goto(url);
  await open(page, "test-conv");
  await page.locator(".conversations a", { hasText: "general" }).waitFor();
  const bob = await visitAs("bob");
  await open(bob, "test-conv");
  await say(bob, "Live, to an admin");
  await message(page, "Live, to an admin").waitFor();
  await say(page, "An admin answers");
  await message(bob, "An admin answers").waitFor();
  report("admin", { asked });
}
