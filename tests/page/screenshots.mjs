// Takes the pictures of the web client that the README shows.
//
//   node screenshots.mjs CHROMIUM URL FOLDER
//
// The server at URL is a fresh one, started with `--demo`. Everybody in the pictures is invented.
import { writeFile } from "node:fs/promises";
import { deflateSync } from "node:zlib";
import { chromium } from "playwright-core";

const [executablePath, url, folder] = process.argv.slice(2);
const ME = "alice";
const NAMES = { alice: "Maya Lindgren", bob: "Tomas Reyes", carol: "Ines Okafor", "user-123": "Jonah Weiss", test: "Priya Raman" };

async function call(method, path, user, body) {
  const address = new URL(`${url}/api/v1/${path}`);
  address.searchParams.set("userId", user);
  const answer = await fetch(address, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

const post = (path, user, body) => call("POST", path, user, body);
const react = (id, user, emoji) => call("PUT", `messages/${id}/reactions/${encodeURIComponent(emoji)}`, user);

// A picture of dunes at dusk, as a PNG: each ridge in front of the one before.
function dunes(width, height) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  const ridge = (x, layer) =>
    height * (0.42 + 0.13 * layer) + Math.sin(x / (90 - 12 * layer) + layer * 2) * (26 - 3 * layer) + Math.sin(x / 31 + layer) * 7;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sky = y / height;
      let color = [250 - 90 * sky, 190 - 70 * sky, 150 + 30 * sky];
      for (let layer = 0; layer < 4; layer++) {
        if (y > ridge(x, layer)) color = [150 - 30 * layer, 92 - 16 * layer, 104 - 10 * layer];
      }
      rows.set(color, y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  return png(width, height, rows);
}

function png(width, height, rows) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc(body), body.length + 4);
  return whole;
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

async function upload(user, name, bytes) {
  const form = new FormData();
  form.append("file", new Blob([bytes], { type: "image/png" }), name);
  const answer = await fetch(`${url}/api/v1/files?userId=${user}`, { method: "POST", body: form });
  return (await answer.json()).id;
}

async function conversation(kind, others, name, lines) {
  const { id } = await post("conversations", ME, { kind, memberIds: others, ...(name && { name }) });
  for (const [user, content] of lines) await post("messages", user, { conversationId: id, content });
  return id;
}

// What people said, so that each thing that a message can be is seen once.
async function fill() {
  for (const [id, name] of Object.entries(NAMES)) await call("PATCH", "users/me", id, { name });
  for (const { id } of (await call("GET", "conversations", ME)).items) {
    await call("DELETE", `conversations/${id}/members/${ME}`, ME).catch(() => call("DELETE", `conversations/${id}`, ME));
  }
  await conversation("channel", ["bob", "carol", "test"], "Announcements", [[ME, "The new office opens on Monday. Cake at ten."]]);
  const read = [
    await conversation("direct", ["user-123"], null, [
      ["user-123", "Are you coming to the climbing hall tonight?"],
      [ME, "Yes, at seven. I bring the rope."],
    ]),
    await conversation("group", ["bob", "test"], "Backend", [["test", "Deploy is through, p99 is back to 18 ms."]]),
  ];
  await conversation("direct", ["carol"], null, [["carol", "Could you look at the second draft?"], ["carol", "No hurry!"]]);
  await conversation("group", ["carol", "user-123"], "Lunch", [["user-123", "The Lebanese place, half past twelve?"]]);
  const id = await conversation("group", ["bob", "carol", "test"], "Autumn launch", [
    ["carol", "Good morning! The landing page is ready for a look. I took the picture from our trip, it fits the palette."],
  ]);
  const picture = await upload("carol", "dunes.png", dunes(640, 300));
  const shown = await post("messages", "carol", { conversationId: id, content: "", attachments: [{ id: picture }] });
  await react(shown.id, "bob", "😍");
  await react(shown.id, ME, "😍");
  await react(shown.id, "test", "🔥");
  const asked = await post("messages", "bob", { conversationId: id, content: "Beautiful. How do we count the visits without cookies?" });
  await post("messages", "test", {
    conversationId: id,
    replyToId: asked.id,
    content: "On the server, from the log:\n\n```python\nvisits = Counter(line.path for line in log if line.status == 200)\n```",
  });
  const plan = await post("messages", ME, { conversationId: id, content: "Then we are set for **Thursday**:\n\n- texts: Ines\n- counting: Priya\n- the switch: Tomas" });
  await react(plan.id, "bob", "👍");
  await react(plan.id, "carol", "👍");
  await post("messages", "bob", { conversationId: id, content: "I have a question about the switch", threadId: plan.id });
  await post("messages", "carol", { conversationId: id, content: "Thursday it is 🎉" });
  for (const each of [...read, id]) await post(`conversations/${each}/read`, ME, {});
  for (const user of ["bob", "carol", "test"]) await post(`conversations/${id}/read`, user, {});
  return id;
}

const SHOTS = [
  { name: "light", scheme: "light", width: 1280, height: 800 },
  { name: "dark", scheme: "dark", width: 1280, height: 800 },
  { name: "narrow", scheme: "light", width: 390, height: 780 },
];

const id = await fill();
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
for (const { name, scheme, width, height } of SHOTS) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: "en-GB", reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("button", { name: ME, exact: true }).click();
  await page.locator(".conversations a").first().waitFor({ state: "attached" });
  await page.goto(`${url}/#/conversation/${id}`);
  await page.getByText("Thursday it is").last().waitFor();
  await page.locator(".timeline img").first().waitFor();
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  // Nothing is pointed at.
  await page.mouse.move(width - 1, height - 1);
  await writeFile(`${folder}/${name}.png`, await page.screenshot());
  await context.close();
}
await browser.close();
