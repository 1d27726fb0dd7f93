// The web client signs people in through an OpenID provider, whose own pages the browser visits.
import { deepEqual, equal } from "node:assert/strict";
import { url, visit } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

// The provider's pages ask for an icon that it does not have and for fonts of another site, which they do not get.
// Their fields want the focus at once, also where the test was faster.
const OF_PROVIDER = /status of 404|net::ERR_FAILED|^\[DOM\] Input elements|^Autofocus processing was blocked/;

async function visitPage(path = "") {
  const page = await visit({ expected: new RegExp(`${OF_PROVIDER.source}|status of 401`), path });
  await page.context().route(/^https:/, (route) => route.abort());
  return page;
}

const link = (page) => page.getByRole("link", { name: "Sign in with Example Team" });

async function fillIn(page, subject) {
  await page.locator("input[name=login]").fill(subject);
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.locator("input[name=prompt][value=consent]").waitFor({ state: "attached" });
  await page.locator("button[type=submit]").click();
}

test("A person signs in at the provider and comes back to the conversation", ["team_server"], async () => {
  const ann = await visitPage("#/conversation/team");
  await link(ann).waitFor();
  equal(await ann.locator(".entrance form").count(), 0);
  const addresses = [];
  ann.on("framenavigated", (frame) => addresses.push(frame.url()));
  await link(ann).click();
  await fillIn(ann, "ann");
  await ann.getByRole("heading", { name: "Team" }).first().waitFor();
  equal(new URL(ann.url()).hash, "#/conversation/team");
  const stored = await ann.evaluate(() => ({ ...localStorage, ...sessionStorage, cookies: document.cookie }));
  const session = JSON.parse(stored["talkwire.session"]);
  equal(session.user.name, "Ann Smith");
  equal(stored.cookies, "");
  deepEqual(
    addresses.filter((each) => [session.accessToken, session.refreshToken].some((token) => each.includes(token))),
    [],
  );

  // Somebody's link to where a sign-in ends, without a sign-in.
  await ann.goto("about:blank");
  await ann.goto(`${url}/#signed-in&conversation=team`);
  await ann.getByRole("heading", { name: "Team" }).first().waitFor();
  await ann.getByRole("button", { name: /^Your account/ }).click();
  await ann.getByRole("menuitem", { name: "Settings" }).click();
  const settings = ann.getByRole("dialog");
  const section = (name) =>
    settings.getByRole("tab", { name }).or(settings.getByRole("button", { name, exact: true })).first();
  await section("Devices").click();
  await settings.getByText("This device").first().waitFor();
  await section("Account").click();
  await settings.getByText("It manages your password").waitFor();
  equal(await settings.locator("input[type=password]").count(), 0);
  await ann.keyboard.press("Escape");
  await ann.getByRole("button", { name: /^Your account/ }).click();
  await ann.getByRole("menuitem", { name: "Sign out" }).click();
  await link(ann).waitFor();
  equal(await ann.evaluate(() => localStorage.getItem("talkwire.session")), null);
});

test("The page says why somebody is not signed in", ["team_server"], async ({ server }) => {
  await server.ban("mallory");
  const page = await visitPage();
  const problem = page.locator(".entrance .problem:not(:empty)");
  await link(page).click();
  await page.getByText("Cancel").click();
  await problem.waitFor();
  equal(await problem.textContent(), "The sign-in was cancelled or refused.");
  const expired = "The sign-in took too long, or was started in another tab. Please sign in again.";
  // Somebody opens the address of another browser's sign-in.
  await page.goto(`${url}/api/v1/auth/oidc/callback?state=x&code=y`);
  await problem.waitFor();
  equal(await problem.textContent(), expired);
  await page.goto("about:blank");
  await page.goto(`${url}/#signed-in`);
  await problem.waitFor();
  equal(await problem.textContent(), expired);
  await page.goto(`${url}/#sign-in-problem=Call%20555-0100`);
  await problem.getByText("The sign-in failed").waitFor();
  equal(await problem.textContent(), "The sign-in failed. Please try again.");
  await link(page).click();
  await fillIn(page, "mallory");
  await problem.waitFor();
  equal(await problem.textContent(), "Your account was banned.");
  equal(new URL(page.url()).hash, "");
});
