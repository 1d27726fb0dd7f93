import { call, message, open, post, report, visitAs } from "../browser.mjs";

const BYTES = 62_000;
const repeated = (text) => text.repeat(Math.floor(BYTES / Buffer.byteLength(text)));

// Texts of 62 KB that are hard to parse, or to draw.
const TEXTS = {
  marks: `a${repeated("\u0301")}`,
  brackets: `${"[".repeat(32_000)}](`,
  quotes: `${"> ".repeat(30_000)}deep`,
  lists: repeated("- a\n"),
  tables: `|a|b|\n|-|-|\n${repeated("|a|b|\n")}`,
  emphasis: repeated("*a_"),
  mentions: repeated("@bob "),
  links: repeated("[a](b)"),
  arabic: repeated("ﷺ"),
  family: repeated("👨‍👩‍👧‍👦"),
  words: repeated("word "),
  fence: repeated("`"),
  code: `\`\`\`c\n${repeated(`${"let ".repeat(124)}\n`)}`,
};

// How many milliseconds of the processor each takes from the server's event to its being drawn, and where that took long.
export async function heavy() {
  const page = await visitAs("alice");
  await open(page, "general");
  // Opening it takes time as well.
  await page.getByText("No messages yet.").waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busyMs = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1_000 * metrics.find(({ name }) => name === "TaskDuration").value;
  };
  const drawn = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  const took = {};
  for (const [name, content] of Object.entries(TEXTS)) {
    const before = await busyMs();
    await post("messages", "bob", { conversationId: "general", content });
    await post("messages", "bob", { conversationId: "general", content: `behind ${name}` });
    await message(page, `behind ${name}`).waitFor();
    await drawn();
    took[name] = Math.round((await busyMs()) - before);
  }
  report("drawn", took);
}

// The rest is there when the reader asks for it, and stays.
export async function unfolded() {
  const page = await visitAs("alice");
  await open(page, "test-conv");
  const lines = Array.from({ length: 2_000 }, (_, index) => `Line ${index}`).join("\n");
  await post("messages", "bob", { conversationId: "test-conv", content: `${lines}\n\nThe end` });
  // The list of conversations shows its beginning as well.
  await page.getByRole("button", { name: "Show more" }).waitFor();
  const hidden = await page.getByText("The end").count();
  const heightPx = await page.locator(".message").first().evaluate((it) => it.offsetHeight);
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("The end").waitFor({ state: "attached" });
  await open(page, "talk-123");
  await open(page, "test-conv");
  await page.getByText("The end").waitFor({ state: "attached" });
  report("unfolded", { hidden, short: heightPx < 2_500 });
}

// Marks that are piled upon letters are drawn over no other message, and a long name ends in the window.
export async function piled() {
  const piles = [..."to the top"].map((letter) => `${letter}${"\u0347".repeat(60)}${"\u030d".repeat(60)}`).join("");
  await call("PATCH", "users/me", "wide", { name: "W".repeat(200) });
  const group = { kind: "group", name: "Piles", memberIds: ["bob", "wide"] };
  const { id } = await call("POST", "conversations", "alice", group);
  const page = await visitAs("alice");
  await open(page, "Piles");
  for (const [sender, content] of [["alice", "The text above"], ["bob", piles], ["alice", "The text below"]])
    await post("messages", sender, { conversationId: id, content });
  await message(page, "The text below").waitFor();
  const covered = [];
  for (const text of ["above", "below"]) {
    const clip = await page.locator(".text", { hasText: text }).boundingBox();
    const drawn = await page.screenshot({ clip });
    const pile = page.locator(".text", { hasText: "\u0347" });
    await pile.evaluate((it) => it.style.setProperty("visibility", "hidden"));
    if (!drawn.equals(await page.screenshot({ clip }))) covered.push(text);
    await pile.evaluate((it) => it.style.removeProperty("visibility"));
  }
  const names = page.locator(".group-faces > span:last-child");
  const isInside = await names.evaluate((it) => it.getBoundingClientRect().right <= innerWidth && it.scrollWidth <= it.clientWidth);
  report("drawn", { covered, isInside });
}
