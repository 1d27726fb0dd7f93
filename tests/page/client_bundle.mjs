// Two people chat on a page that loads the official client from its server, as `<script>` and as a module.
//
//   node client_bundle.mjs CHROMIUM PAGE TOKEN TOKEN
//
// Prints what each of them was sent, and what the browser complained about, as one line of JSON.
import { chromium } from "playwright-core";

const [executablePath, address, ...tokens] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const complaints = [];

async function visit(token, kind) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${address}/${kind}.html#${token}`);
  await page.getByText("signed in").waitFor();
  return page;
}

const [one, other] = [await visit(tokens[0], "script"), await visit(tokens[1], "module")];
await one.getByRole("button").click();
await Promise.all([one, other].map((page) => page.getByText("Hello!").waitFor()));
const seen = await Promise.all([one, other].map((page) => page.locator("#seen").innerText()));
console.log(JSON.stringify({ seen, complaints }));
await browser.close();
