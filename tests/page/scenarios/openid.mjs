// Sign-in through an OpenID provider, whose own pages the browser visits.
import { report, url, visit } from "../browser.mjs";

// The provider's pages ask for an icon that it does not have and for fonts of another site, which they do not get. Their
// fields want the focus at once, also where the scenario was faster.
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

export async function signedIn({ subject, conversation }) {
  const ann = await visitPage(`#/conversation/${conversation}`);
  await link(ann).waitFor();
  const forms = await ann.locator(".entrance form").count();
  const addresses = [];
  ann.on("framenavigated", (frame) => addresses.push(frame.url()));
  await link(ann).click();
  await fillIn(ann, subject);
  await ann.getByRole("heading", { name: "Team" }).first().waitFor();
  const shown = new URL(ann.url()).hash;
  const stored = await ann.evaluate(() => ({ ...localStorage, ...sessionStorage, cookies: document.cookie }));
  const session = JSON.parse(stored["talkwire.session"]);
  const leaked = addresses.filter((each) => [session.accessToken, session.refreshToken].some((token) => each.includes(token)));

  // Somebody's link to where a sign-in ends, without a sign-in.
  await ann.goto("about:blank");
  await ann.goto(`${url}/#signed-in&conversation=${conversation}`);
  await ann.getByRole("heading", { name: "Team" }).first().waitFor();
  await ann.getByRole("button", { name: /^Your account/ }).click();
  await ann.getByRole("menuitem", { name: "Settings" }).click();
  const settings = ann.getByRole("dialog");
  const section = (name) => settings.getByRole("tab", { name }).or(settings.getByRole("button", { name, exact: true })).first();
  await section("Devices").click();
  await settings.getByText("This device").first().waitFor();
  await section("Account").click();
  await settings.getByText("It manages your password").waitFor();
  const passwords = await settings.locator("input[type=password]").count();
  await ann.keyboard.press("Escape");
  await ann.getByRole("button", { name: /^Your account/ }).click();
  await ann.getByRole("menuitem", { name: "Sign out" }).click();
  await link(ann).waitFor();
  const kept = await ann.evaluate(() => localStorage.getItem("talkwire.session"));
  report("signed in", { forms, shown, leaked, name: session.user.name, cookies: stored.cookies, passwords, kept });
}

export async function refused({ subject }) {
  const page = await visitPage();
  const problem = page.locator(".entrance .problem:not(:empty)");
  await link(page).click();
  await page.getByText("Cancel").click();
  await problem.waitFor();
  const cancelled = await problem.textContent();
  // Somebody opens the address of another browser's sign-in.
  await page.goto(`${url}/api/v1/auth/oidc/callback?state=x&code=y`);
  await problem.waitFor();
  const expired = await problem.textContent();
  await page.goto("about:blank");
  await page.goto(`${url}/#signed-in`);
  await problem.waitFor();
  const withoutCookie = await problem.textContent();
  await page.goto(`${url}/#sign-in-problem=Call%20555-0100`);
  await problem.getByText("The sign-in failed").waitFor();
  const invented = await problem.textContent();
  await link(page).click();
  await fillIn(page, subject);
  await problem.waitFor();
  const banned = await problem.textContent();
  report("refused", { cancelled, expired, withoutCookie, invented, banned, hash: new URL(page.url()).hash });
}
