// What the web client costs in a browser.
//
//   node web_client.mjs CHROMIUM URL [PARTS]
//
// The server is one with the conversation `long`, in which `bob` has written very much and which `alice` has read. Prints
// one line of JSON: figures by name. PARTS: "opening" measures nothing else, and needs any demo server.
import { chromium } from "../tests/page/node_modules/playwright-core/index.mjs";

const [executablePath, url, parts = "all"] = process.argv.slice(2);
const LOADS = 5;
const OPENED = 12;
const MESSAGES_EACH = 60;
const WHEEL_STEPS = 150;
const BUSY_S = 20;
const MESSAGES_PER_S = 50;

// In the page, before anything of it: what the browser measures by itself, and when the first conversation is seen.
function observe() {
  const kept = { useful: null, lcp: 0, cls: 0, long: [], inputs: [] };
  window.kept = kept;
  const watch = (type, take, more = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
  watch("largest-contentful-paint", ({ startTime }) => {
    kept.lcp = startTime;
  });
  watch("layout-shift", ({ value, hadRecentInput }) => {
    if (!hadRecentInput) kept.cls += value;
  });
  watch("longtask", ({ startTime, duration }) => kept.long.push({ startTime, duration }));
  watch("event", ({ interactionId: id, startTime, processingStart, duration }) => {
    if (id > 0) kept.inputs.push({ id, delay: processingStart - startTime, duration });
  }, { durationThreshold: 16 });
  sessionStorage.setItem(
    "talkwire.session",
    JSON.stringify({ user: { id: "alice", name: "alice", createdAt: "2026-01-01T00:00:00.000Z" } }),
  );
  const look = () => {
    if (document.querySelector(".conversations a") === null) return requestAnimationFrame(look);
    // It is on the screen after this frame.
    requestAnimationFrame(() => {
      kept.useful = performance.now();
    });
  };
  requestAnimationFrame(look);
}

const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });

async function visit(path) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  await context.addInitScript(observe);
  const page = await context.newPage();
  await page.goto(`${url}/${path}`);
  await page.waitForFunction(() => window.kept.useful !== null);
  return page;
}

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
const blocking = (tasks) => tasks.reduce((sum, { duration }) => sum + duration - 50, 0);

async function loading() {
  const samples = [];
  for (let round = 0; round < LOADS; round++) {
    const page = await visit("");
    samples.push(
      await page.evaluate(() => ({
        paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
        sent: performance
          .getEntriesByType("resource")
          .filter(({ name }) => name.endsWith(".js"))
          .reduce((sum, { transferSize }) => sum + transferSize, 0),
        ...window.kept,
      })),
    );
    await page.context().close();
  }
  return {
    "load.paint": median(samples.map(({ paint }) => paint)),
    "load.useful": median(samples.map(({ useful }) => useful)),
    "load.lcp": median(samples.map(({ lcp }) => lcp)),
    "load.cls": median(samples.map(({ cls }) => cls)),
    "load.blocking": median(samples.map(({ long }) => blocking(long))),
    "load.script": median(samples.map(({ sent }) => sent / 1024)),
  };
}

// Opens conversations with the mouse, each for the first time since the page was loaded, and then each again.
async function opening() {
  const names = Array.from({ length: OPENED }, (_, number) => `Opened ${number}`);
  for (const name of names) {
    const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name });
    for (let number = 1; number <= MESSAGES_EACH; number++)
      await post("messages", "bob", { conversationId: id, content: `${name}, message ${number}: **as** people write.` });
    await post(`conversations/${id}/read`, "alice", {});
  }
  const page = await visit("");
  const rounds = [];
  for (const round of ["first", "again"]) {
    const times = [];
    for (const name of names) {
      times.push(await page.evaluate(openedWithin, { name, last: `${name}, message ${MESSAGES_EACH}:` }));
      await page.waitForTimeout(300);
    }
    rounds.push([`open.${round}`, median(times)], [`open.${round}.slowest`, Math.max(...times)]);
  }
  await page.context().close();
  return Object.fromEntries(rounds);
}

// In the page: the milliseconds from a click on a conversation to the frame with its newest message.
async function openedWithin({ name, last }) {
  const frame = () => new Promise(requestAnimationFrame);
  const link = [...document.querySelectorAll(".conversations a")].find((each) => each.querySelector(".name").textContent === name);
  const isShown = () =>
    document.querySelector("h1")?.textContent === name &&
    [...document.querySelectorAll(".message .text")].some(({ textContent }) => textContent.startsWith(last));
  await frame();
  const began = performance.now();
  link.click();
  while (!isShown()) await frame();
  // It is on the screen after this frame.
  await frame();
  return performance.now() - began;
}

// Wheels back through the messages, as fast as pages of them come.
async function scrolling(page) {
  await page.locator(".message").first().waitFor();
  await page.evaluate(() => {
    window.kept.long = [];
  });
  const session = await page.context().newCDPSession(page);
  let rows = 0;
  await page.mouse.move(800, 400);
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await page.mouse.wheel(0, -700);
    rows = Math.max(rows, await page.locator(".row").count());
  }
  const long = await page.evaluate(() => window.kept.long);
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics").catch(() => ({ metrics: [] }));
  const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? (await session.send("Runtime.getHeapUsage")).usedSize;
  return {
    "scroll.rows": rows,
    "scroll.long": long.length,
    "scroll.longest": Math.max(0, ...long.map(({ duration }) => duration)),
    "scroll.heap": heap / 2 ** 20,
  };
}

// Types while many messages arrive in the open conversation.
async function typing(page) {
  const field = page.getByRole("textbox", { name: "Message", exact: true });
  await field.click();
  await page.evaluate(() => {
    Object.assign(window.kept, { long: [], inputs: [] });
  });
  const until = Date.now() + BUSY_S * 1000;
  const talk = talking(until);
  let keys = 0;
  while (Date.now() < until) {
    const words = "as people write ";
    await page.keyboard.type(words, { delay: 60 });
    keys += words.length;
    if ((await field.inputValue()).length > 200) await field.fill("");
  }
  const sent = await talk;
  const { long, inputs } = await page.evaluate(() => window.kept);
  return {
    "busy.rate": sent / BUSY_S,
    "busy.delay": Math.max(0, ...inputs.map(({ delay }) => delay)),
    "busy.paint": interactionToPaint(inputs, keys),
    "busy.slowest": Math.max(0, ...inputs.map(({ duration }) => duration)),
    "busy.long": long.length,
    "busy.longest": Math.max(0, ...long.map(({ duration }) => duration)),
  };
}

// Of so many keys, what all but two of a hundred took at the most. What took less than a frame is not listed.
function interactionToPaint(inputs, keys) {
  const durations = new Map();
  for (const { id, duration } of inputs) durations.set(id, Math.max(duration, durations.get(id) ?? 0));
  return [...durations.values()].toSorted((one, other) => other - one)[Math.floor(keys / 50)] ?? 0;
}

async function talking(until) {
  const pending = [];
  const began = Date.now();
  while (Date.now() < until) {
    const due = Math.floor(((Date.now() - began) / 1000) * MESSAGES_PER_S);
    while (pending.length < due) pending.push(say(`Message ${pending.length}: about as long as people write **when** they talk.`));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(pending);
  return pending.length;
}

const say = (content) => post("messages", "bob", { conversationId: "long", content });

async function post(path, user, content) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(content);
  const answer = await fetch(`${url}/api/v1/${path}?userId=${user}`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

const figures = parts === "opening" ? {} : await loading();
Object.assign(figures, await opening());
if (parts !== "opening") {
  const page = await visit("#/conversation/long");
  Object.assign(figures, await scrolling(page));
  await page.getByRole("button", { name: /^Jump to newest/ }).click();
  await page.getByText("Message 100000", { exact: true }).first().waitFor();
  Object.assign(figures, await typing(page));
}
console.log(JSON.stringify(figures));
await browser.close();
