// Does in Firefox what people do first: enter, read, write, reply, send a picture, come back.
//
//   node firefox.mjs FIREFOX URL PICTURE
//
// Playwright drives builds of its own of Firefox only, so Puppeteer drives the system's, by WebDriver BiDi. The server at URL
// is one with `--demo`. Prints one line of JSON: what was seen, and what the browser complained about.
import puppeteer from "puppeteer-core";

const [executablePath, url, picture] = process.argv.slice(2);
const complaints = [];

const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
try {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  for (const page of [alice, bob]) await openConversation(page, "general");
  await say(alice, "Hello from Firefox");
  await shown(bob, "Hello from Firefox");
  await reply(bob, "Hello from Firefox", "Hello to Firefox");
  await shown(alice, "Hello to Firefox");
  const quoted = await textOf(alice, ".message[data-id] .quote-says");
  await (await alice.$(".composer input[type=file]")).uploadFile(picture);
  await alice.waitForSelector(".pending-file");
  await say(alice, "With a picture");
  for (const page of [alice, bob]) await seesPicture(page);
  await alice.reload();
  for (const text of ["Hello from Firefox", "Hello to Firefox", "With a picture"]) await shown(alice, text);
  await seesPicture(alice);
  console.log(JSON.stringify({ version: await browser.version(), quoted, complaints }));
} finally {
  await browser.close();
}

// A browser with nothing in it, signed in as the user of this id.
async function visitAs(user) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width: 1100, height: 700 });
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => message.type() !== "debug" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  await page.locator(".demo-other input").fill(user);
  await page.locator("::-p-xpath(//button[normalize-space() = 'Enter'])").click();
  await page.waitForSelector(".conversations a");
  return page;
}

async function openConversation(page, name) {
  await page.locator(`::-p-xpath(//a[.//*[@class = 'name' and normalize-space() = '${name}']])`).click();
  await page.waitForSelector(".composer textarea");
}

async function say(page, text) {
  await page.locator(".composer textarea").fill(text);
  await page.focus(".composer textarea");
  await page.keyboard.press("Enter");
}

function messageOf(text) {
  return `::-p-xpath(//article[contains(@class, 'message') and @data-id and .//p[normalize-space() = '${text}']])`;
}

// Waits until the server has the message and the page shows it.
async function shown(page, text) {
  return page.waitForSelector(messageOf(text));
}

async function reply(page, to, text) {
  const message = await shown(page, to);
  // The list hides a message until it has measured it, and what is hidden takes no focus.
  await page.bringToFront();
  await page.waitForFunction(takesFocus, { polling: 200 }, message);
  // A letter is a command where keys lead the focus.
  await page.keyboard.press("Tab");
  await page.waitForFunction(takesFocus, { polling: 200 }, message);
  await page.keyboard.press("r");
  await page.waitForSelector("::-p-text(Replying to)");
  await say(page, text);
}

function takesFocus(element) {
  element.focus();
  return document.activeElement === element;
}

async function textOf(page, selector) {
  const element = await page.waitForSelector(selector);
  return element.evaluate((it) => it.textContent);
}

// Firefox loads the pictures of the tab in front only, and draws no frames in others.
async function seesPicture(page) {
  await page.bringToFront();
  await page.waitForFunction(isPictureShown, { polling: 200 });
}

function isPictureShown() {
  const shown = document.querySelector(".message[data-id] .picture img");
  return shown !== null && shown.complete && shown.naturalWidth > 0;
}
