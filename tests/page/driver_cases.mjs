// Tests that end in ways in which others do not; test_driving.py runs them.
import { equal } from "node:assert/strict";
import { browserPid, visit } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

test("Processes", [], async ({ server }) => {
  await visit();
  await server.noted({ node: process.pid, browser: await browserPid() });
});

// What the page stores is there again in no other test, and of what it logs only the own is complained about.
test("Storing", [], async () => {
  const page = await visit();
  equal(await page.evaluate(() => localStorage.getItem("driving")), null);
  await page.evaluate(() => localStorage.setItem("driving", "stored"));
});

test("Complaining", [], async () => {
  await (await visit()).evaluate(() => console.error("not well"));
});

test("The browser ends", [], async () => {
  const page = await visit();
  process.kill(await browserPid(), "SIGKILL");
  await page.reload();
});

test("The driver ends", [], async () => {
  await visit();
  process.kill(process.pid, "SIGKILL");
});

// Nobody ever answers.
test("Hanging", [], async ({ server }) => {
  await visit();
  await server.hangs();
  await new Promise(() => undefined);
});
