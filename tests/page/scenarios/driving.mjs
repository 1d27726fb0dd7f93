import { browserPid, report, visit } from "../browser.mjs";

export async function processes() {
  await visit();
  report("running", { node: process.pid, browser: await browserPid() });
}

// What the page stores is there again in no other scenario, and of what it logs only the own is complained about.
export async function storing() {
  const page = await visit();
  const found = await page.evaluate(() => localStorage.getItem("driving"));
  await page.evaluate(() => localStorage.setItem("driving", "stored"));
  report("stored", { found });
}

export async function complaining() {
  const page = await visit();
  await page.evaluate(() => console.error("not well"));
}

export async function browserEnds() {
  const page = await visit();
  process.kill(await browserPid(), "SIGKILL");
  await page.reload();
}

export async function driverEnds() {
  await visit();
  process.kill(process.pid, "SIGKILL");
}

// Nobody ever answers.
export async function hanging() {
  await visit();
  report("hangs");
  await new Promise(() => undefined);
}
