// Accounts, and the tokens that they are given.
import { deepEqual, equal } from "node:assert/strict";
import { message, messages, open, post, say, start, submitAccount, url, visit, visitAs } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

test("An account is made and signed in to", [], async () => {
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
  equal(await dora.locator(".entrance > form .problem").textContent(), "The e-mail address or the password is wrong.");
  const forgot = dora.getByText("Forgot your password?");
  await forgot.waitFor();
  await dora.locator(".entrance form:not(.demo-other) button.quiet").click();
  await dora.getByRole("textbox", { name: "Name" }).waitFor();
  await forgot.waitFor({ state: "detached" });
  equal(await dora.locator(".entrance > form .problem").textContent(), "");
  equal(await dora.getByLabel("Password").inputValue(), "");
  deepEqual(await dora.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage })), []);
  await submitAccount(dora, credentials);
  await start(dora, ["alice"]);
  await say(dora, "Signed in");
  await message(dora, "Signed in").waitFor();
});

test("The page renews a token that expires", ["server_of_short_tokens"], async () => {
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
  deepEqual(await messages(erik).allTextContents(), ["Before", "After"]);
});

// Somebody else signs in, in another tab: no tab continues to show what the former one sees.
test("All tabs follow whoever signs in", [], async () => {
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
  equal(await page.locator(".message .name").last().textContent(), "Hugo");
});

// A token with the role `admin`: the server refuses sync to it, and the page loads the conversations instead.
test("An admin sees conversations and receives live messages", ["alices_admin_token"], async ({ alicesAdminToken }) => {
  // A page of the server would follow the session before it is loaded again.
  const page = await visit({ at: "about:blank" });
  const asked = [];
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => asked.push(...(String(payload).match(/sync|conversations:list/) ?? [])));
  });
  const other = await page.context().newPage();
  await other.goto(`${url}/demo.json`);
  const session = JSON.stringify({ user: { id: "alice", name: "alice" }, accessToken: alicesAdminToken });
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
  deepEqual(asked, ["sync", "conversations:list"]);
});
