// Two people on the page of `examples/dialects` in a real browser.
//
//   node examples.mjs CHROMIUM PAGE SERVER TOKEN TOKEN
//
// Prints what each of them sees in the end, and what the browser complained about, as one line of JSON.
import { chromium } from "playwright-core";

const [executablePath, address, server, ...tokens] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const complaints = [];

async function visit(token) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${address}?server=${server}#${token}`);
  await page.getByText("here as").waitFor();
  return page;
}

async function say(page, text) {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

const [one, other] = [await visit(tokens[0]), await visit(tokens[1])];
await one.getByLabel("Message").fill("Hel");
await other.getByText("typing …").waitFor();
await say(one, "Hello from a page");
await other.getByText("Hello from a page").waitFor();
await say(other, "Hello to a page");
await one.getByText("Hello to a page").waitFor();
const seen = await Promise.all([one, other].map((page) => page.locator("#messages p").allInnerTexts()));
const states = await Promise.all([one, other].map((page) => page.locator("#state").innerText()));
console.log(JSON.stringify({ seen, states, complaints }));
await browser.close();
