// Takes the pictures of the web client that the README shows, and one of the operators' console.
//
//   node screenshots.mjs CHROMIUM URL FOLDER TOKEN
//
// TOKEN is that of an admin.
// The server at URL is a fresh one, started with `--demo`: the pictures show the demo's company.
import { writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [executablePath, url, folder, token] = process.argv.slice(2);
const ME = "Maya Lindgren";
const CONVERSATION = "heron-launch";

const SHOTS = [
  { name: "light", scheme: "light", width: 1280, height: 800 },
  { name: "dark", scheme: "dark", width: 1280, height: 800 },
  { name: "narrow", scheme: "light", width: 390, height: 780, phone: { isMobile: true, hasTouch: true } },
];

const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
for (const { name, scheme, width, height, phone } of SHOTS) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: "en-GB", reducedMotion: "reduce", ...phone });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("button", { name: ME }).click();
  await page.locator(".conversations a").first().waitFor({ state: "attached" });
  await page.goto(`${url}/#/conversation/${CONVERSATION}`);
  await page.getByText("Thursday it is").last().waitFor();
  await page.locator(".timeline img").first().waitFor();
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  // Nothing is pointed at, and the list rests.
  await page.mouse.move(width - 1, height - 1);
  await page.locator(".day-in-sight:visible").waitFor({ state: "detached" });
  await writeFile(`${folder}/${name}.png`, await page.screenshot());
  await context.close();
}

// The console needs something to show: people who are connected, and a sign-in that was refused.
const SAMPLES = 12;
for (const name of [ME, "Tomas Reyes"]) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.getByRole("button", { name }).click();
  await page.locator(".conversations a").first().waitFor();
}
const body = JSON.stringify({ email: "someone@example.com", password: "forgotten" });
await fetch(`${url}/api/v1/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light", locale: "en-GB" });
const admin = await context.newPage();
await admin.goto(`${url}/admin#token=${token}`);
await admin.locator(".admin-figures").waitFor();
for (let sample = 0; sample < SAMPLES; sample++) await admin.waitForResponse(/admin\/overview/);
await writeFile(`${folder}/console.png`, await admin.screenshot());
await browser.close();
