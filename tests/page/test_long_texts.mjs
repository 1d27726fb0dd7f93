// Messages of as much text as the server takes, of whatever characters.
import { deepEqual, equal, ok } from "node:assert/strict";
import { call, message, open, post, visitAs } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

const BYTES = 62_000;
const BUDGET_MS = 200;
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

// Counts the milliseconds of the processor that each text takes from the server's event to its being drawn.
test("No text holds the page up", [], async () => {
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
  const slow = {};
  for (const [name, content] of Object.entries(TEXTS)) {
    const before = await busyMs();
    await post("messages", "bob", { conversationId: "general", content });
    await post("messages", "bob", { conversationId: "general", content: `behind ${name}` });
    await message(page, `behind ${name}`).waitFor();
    await drawn();
    const took = Math.round((await busyMs()) - before);
    if (took > BUDGET_MS) slow[name] = took;
  }
  deepEqual(slow, {});
});

// The rest is there when the reader asks for it, and stays.
test("The rest of a long text comes when it is asked for", [], async () => {
  const page = await visitAs("alice");
  await open(page, "test-conv");
  const lines = Array.from({ length: 2_000 }, (_, index) => `Line ${index}`).join("\n");
  await post("messages", "bob", { conversationId: "test-conv", content: `${lines}\n\nThe end` });
  // The list of conversations shows its beginning as well.
  await page.getByRole("button", { name: "Show more" }).waitFor();
  equal(await page.getByText("The end").count(), 0);
  ok((await page.locator(".message").first().evaluate((it) => it.offsetHeight)) < 2_500);
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("The end").waitFor({ state: "attached" });
  await open(page, "talk-123");
  await open(page, "test-conv");
  await page.getByText("The end").waitFor({ state: "attached" });
});

// Marks that are piled upon letters, and a name of 200 wide letters in the list of a group's members.
test("What does not fit is drawn over nothing else", [], async () => {
  const piles = [..."to the top"].map((letter) => `${letter}${"\u0347".repeat(60)}${"\u030d".repeat(60)}`).join("");
  await call("PATCH", "users/me", "wide", { name: "W".repeat(200) });
  const group = { kind: "group", name: "Piles", memberIds: ["bob", "wide"] };
  const { id } = await call("POST", "conversations", "alice", group);
  const page = await visitAs("alice");
  await open(page, "Piles");
  for (const [sender, content] of [["alice", "The text above"], ["bob", piles], ["alice", "The text below"]])
    await post("messages", sender, { conversationId: id, content });
  await message(page, "The text below").waitFor();
  for (const text of ["above", "below"]) {
    const clip = await page.locator(".text", { hasText: text }).boundingBox();
    const drawn = await page.screenshot({ clip });
    const pile = page.locator(".text", { hasText: "\u0347" });
    await pile.evaluate((it) => it.style.setProperty("visibility", "hidden"));
    ok(drawn.equals(await page.screenshot({ clip })), `the marks cover the text ${text}`);
    await pile.evaluate((it) => it.style.removeProperty("visibility"));
  }
  const names = page.locator(".group-faces > span:last-child");
  ok(await names.evaluate((it) => it.getBoundingClientRect().right <= innerWidth && it.scrollWidth <= it.clientWidth));
});
