// Takes the pictures of the web client that the README shows.
//
//   node screenshots.mjs CHROMIUM URL FOLDER
//
// The server at URL is a fresh one, started with `--demo`: the pictures show the demo's company.
import { writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [executablePath, url, folder] = process.argv.slice(2);
const ME = "Maya Lindgren";
const CONVERSATION = "heron-launch";

const SHOTS = [
  { name: "light", scheme: "light", width: 1280, height: 800 },
  { name: "dark", scheme: "dark", width: 1280, height: 800 },
  { name: "narrow", scheme: "light", width: 390, height: 780 },
];

const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
for (const { name, scheme, width, height } of SHOTS) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: "en-GB", reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("button", { name: ME }).click();
  await page.locator(".conversations a").first().waitFor({ state: "attached" });
  await page.goto(`${url}/#/conversation/${CONVERSATION}`);
  await page.getByText("Thursday it is").last().waitFor();
  await page.locator(".timeline img").first().waitFor();
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  // Nothing is pointed at.
  await page.mouse.move(width - 1, height - 1);
  await writeFile(`${folder}/${name}.png`, await page.screenshot());
  await context.close();
}
await browser.close();
