// Cards: approvals and polls among the messages of a conversation.
import { equal, ok } from "node:assert/strict";
import { passesAxe } from "./axe.mjs";
import { atEnd, composer, field, open, post, until, visitAs } from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const HOUR_MS = 3_600_000;
const REASONS = [{ const: "b", title: "Broken" }, { const: "l", title: "Late" }];
const FORM = {
  schema: {
    type: "object",
    properties: {
      amount: { type: "number", title: "Amount in EUR", minimum: 1, maximum: 50 },
      reason: { type: "string", title: "Reason", oneOf: REASONS },
      note: { type: "string", title: "Note", description: "The customer sees it.", maxLength: 100 },
      tell: { type: "boolean", title: "Notify the customer", default: true },
    },
    required: ["amount"],
  },
  values: { amount: 24.8 },
};
const REFUND = {
  title: "Refund order 1207?",
  text: "Two **cups** arrived broken.",
  fields: [{ label: "Customer", value: "Dana Fox" }],
  actions: [
    { id: "approve", label: "Approve", style: "primary", input: FORM },
    { id: "decline", label: "Decline", style: "danger" },
    { id: "order", label: "Open the order", url: "https://example.com/orders/1207" },
  ],
  decide: { approve: 2, decline: 1 },
};

const button = (page, name) => page.getByRole("button", { name, exact: true });
const dialog = (page) => page.locator("dialog[open]");
const card = (page, title) => page.getByRole("group", { name: title, exact: true });
const standing = (page, title) => card(page, title).locator(".standing").innerText();
const inLine = (text) => text.replace(/\s+/g, " ").trim();
const closed = (page) => dialog(page).waitFor({ state: "detached" });
const focused = (page) => page.evaluate(() => document.activeElement.dataset.id ?? document.activeElement.textContent);

async function groupOf(name) {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name });
  const ask = (user, asked) => post("messages", user, { conversationId: id, card: asked });
  const choose = (user, message, choice) => post(`messages/${message.id}/card`, user, choice);
  return { id, ask, choose };
}

// A refund waits for the reader, who finds it in the list of what waits, and approves another amount with the keyboard.
test("An approval waits for the reader who edits the amount", [], async () => {
  const { ask, choose } = await groupOf("Refunds");
  const refund = await ask("bob", REFUND);
  const page = await visitAs("alice");
  const waiting = page.locator(".list-action.waiting");
  await waiting.waitFor();
  equal(inLine(await waiting.innerText()), "Waiting for you 1 1 decision waits for you");
  await waiting.click();
  await dialog(page).getByText(REFUND.title).click();
  const shown = card(page, REFUND.title);
  await button(page, "Approve").waitFor();
  equal(await shown.locator(".card-kind").innerText(), "Your decision is needed");
  equal(await shown.locator(".card-text strong").innerText(), "cups");
  equal(inLine(await shown.locator("dl").innerText()), "Customer Dana Fox");
  equal(await shown.getByRole("link").getAttribute("href"), "https://example.com/orders/1207");
  equal(await shown.locator(".progress").innerText(), "Approve: 0 of 2 · Decline: 0 of 1");
  await button(page, "Approve").press("Enter");
  await field(page, "Amount in EUR").fill("60");
  await field(page, "Comment (optional)").fill("One cup only");
  await dialog(page).getByRole("button", { name: "Approve", exact: true }).press("Enter");
  ok(await field(page, "Amount in EUR").evaluate((it) => !it.checkValidity()));
  await field(page, "Amount in EUR").fill("12.4");
  await field(page, "Reason").selectOption({ label: "Broken" });
  await dialog(page).getByRole("button", { name: "Approve", exact: true }).press("Enter");
  await closed(page);
  equal(await shown.locator(".my-choice").innerText(), "You chose “Approve”");
  equal(await focused(page), refund.id);
  await waiting.waitFor({ state: "detached" });
  equal(await page.locator(".bell .count, .bell-button .count").count(), 0);
  await choose("carol", refund, { actionIds: ["approve"], input: { amount: 10 } });
  await until(() => standing(page, REFUND.title), (text) => text.includes("Decided"));
  equal(inLine(await standing(page, REFUND.title)), "Decided: Approve by You and carol Who chose what");
  equal(inLine(await shown.locator("dl").last().innerText()), "Amount in EUR 10");
  await button(page, "Who chose what").click();
  const reasons = async () => inLine(await dialog(page).locator(".question").innerText());
  equal(
    await until(reasons, (text) => text.includes("carol")),
    "Approve 2 Y You One cup only C carol Decline 0 Nobody yet",
  );
  equal(await button(page, "Approve").count(), 0);
});

// The reader makes a poll in the composer. Others vote, she votes, takes that back, and closes it.
test("A poll is made in the composer and its counts move", [], async () => {
  const { choose } = await groupOf("Lunch");
  const page = await visitAs("alice");
  await open(page, "Lunch");
  await button(page, "Create a poll").click();
  await page.keyboard.type("Where do we eat?");
  await field(page, "Answer 1").fill("Noodles");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Noodles");
  await button(page, "Create poll").click();
  equal(
    await until(() => dialog(page).getByRole("alert").innerText(), (text) => text !== ""),
    "Two answers are the same.",
  );
  await field(page, "Answer 2").fill("Soup");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Picnic");
  await button(page, "Allow several answers").or(page.getByRole("switch", { name: "Allow several answers" })).click();
  await button(page, "Create poll").click();
  await closed(page);
  const shown = card(page, "Where do we eat?");
  await shown.waitFor();
  const id = await page.locator("article:has(.card)").getAttribute("data-id");
  equal(await shown.locator(".card-kind").innerText(), "Poll · up to 3 answers");
  await choose("bob", { id }, { actionIds: ["1", "3"] });
  await choose("carol", { id }, { actionIds: ["1"] });
  const names = async () =>
    (await shown.locator(".option").allInnerTexts()).map((each) => inLine(each).replace(/\d+ /, ""));
  await becomes(names, ["Noodles 2 votes", "Soup 0 votes", "Picnic 1 vote"]);
  await shown.getByRole("button", { name: "Soup 0 votes" }).press("Enter");
  await shown.getByRole("button", { name: "Soup 1 vote", pressed: true }).waitFor();
  await shown.getByRole("button", { name: "Picnic 1 vote" }).press(" ");
  await shown.getByRole("button", { name: "Picnic 2 votes", pressed: true }).waitFor();
  await page.keyboard.press(" ");
  await shown.getByRole("button", { name: "Picnic 1 vote", pressed: false }).waitFor();
  await page.reload();
  await shown.getByRole("button", { name: "Soup 1 vote", pressed: true }).waitFor();
  await button(page, "Who chose what").click();
  await dialog(page).getByText("You", { exact: true }).waitFor();
  equal(
    inLine(await dialog(page).locator(".question").innerText()),
    "Noodles 2 B bob C carol Soup 1 Y You Picnic 1 B bob",
  );
  await page.keyboard.press("Escape");
  await closed(page);
  await page.locator(`[data-id="${id}"]`).click({ button: "right" });
  const actions = await page.getByRole("menuitem").allInnerTexts();
  equal(actions.some((label) => label.startsWith("Edit")), false);
  await page.getByRole("menuitem", { name: "Close poll" }).click();
  await button(page, "Close poll").click();
  await closed(page);
  await until(() => standing(page, "Where do we eat?"), (text) => text.includes("Closed"));
  equal(inLine(await standing(page, "Where do we eat?")), "Closed 4 votes Who chose what");
  await composer(page).press("ArrowUp");
  equal(await page.locator(".composer .origin").count(), 0);
  equal(await shown.locator("button.option").count(), 0);
});

// Cards of all kinds at the width of a phone, in both looks, with their dialogs.
test("Cards fit a phone and axe finds nothing wrong", [], async () => {
  const { ask, choose } = await groupOf("On a phone");
  const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
  await ask("bob", { ...REFUND, expiresAt, who: { users: ["alice", "carol"] } });
  const long = "a long answer ".repeat(5).trim();
  const actions = [{ id: "1", label: long }, { id: "2", label: "x".repeat(80) }];
  const poll = { title: "Which one? ".repeat(15).trim(), actions, decide: "poll", max: 2, names: "hidden" };
  const asked = await ask("bob", poll);
  await choose("carol", asked, { actionIds: ["1"] });
  const choices = [{ id: "y", label: long }, { id: "n", label: "No" }];
  const over = await ask("carol", { title: "Deploy?", actions: choices, decide: "first" });
  await choose("bob", over, { actionIds: ["y"] });
  const page = await visitAs("alice", { viewport: { width: 320, height: 700 }, hasTouch: true, isMobile: true });
  await passesAxe(page, "list");
  await open(page, "On a phone");
  await button(page, "Approve").waitFor();
  await passesAxe(page, "cards");
  await button(page, "Approve").tap();
  await field(page, "Amount in EUR").waitFor();
  await passesAxe(page, "form");
  await button(page, "Close").tap();
  await page.getByRole("button", { name: "Jump to newest" }).tap();
  await atEnd(page);
  await card(page, "Deploy?").getByText("Decided").waitFor();
  await passesAxe(page, "older cards");
  equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  ok(await page.locator(".card").evaluateAll((all) => all.every((it) => it.scrollWidth <= it.clientWidth)));
  const buttons = page.locator(".card button:not(.reach)");
  const heights = await buttons.evaluateAll((all) => all.map((it) => it.getBoundingClientRect().height));
  equal(heights.filter((height) => height < 24).length, 0);
  await button(page, "Who chose what").first().tap();
  await dialog(page).waitFor();
  await passesAxe(page, "choices");
  await button(page, "Close").tap();
  await page.locator(".composer .unfold").tap();
  await button(page, "Create a poll").tap();
  await passesAxe(page, "new poll");
});
