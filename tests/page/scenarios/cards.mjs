import { atEnd, composer, field, open, post, report, until, visitAs } from "../browser.mjs";
import { violations } from "./accessibility.mjs";

const HOUR_MS = 3_600_000;
const FORM = {
  schema: {
    type: "object",
    properties: {
      amount: { type: "number", title: "Amount in EUR", minimum: 1, maximum: 50 },
      reason: { type: "string", title: "Reason", oneOf: [{ const: "b", title: "Broken" }, { const: "l", title: "Late" }] },
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
export async function approval() {
  const { ask, choose } = await groupOf("Refunds");
  const refund = await ask("bob", REFUND);
  const page = await visitAs("alice");
  const waiting = page.locator(".list-action.waiting");
  await waiting.waitFor();
  const counted = inLine(await waiting.innerText());
  await waiting.click();
  await dialog(page).getByText(REFUND.title).click();
  const shown = card(page, REFUND.title);
  await button(page, "Approve").waitFor();
  const asked = {
    kind: await shown.locator(".card-kind").innerText(),
    text: await shown.locator(".card-text strong").innerText(),
    fields: inLine(await shown.locator("dl").innerText()),
    link: await shown.getByRole("link").getAttribute("href"),
    progress: await shown.locator(".progress").innerText(),
  };
  await button(page, "Approve").press("Enter");
  await field(page, "Amount in EUR").fill("60");
  await field(page, "Comment (optional)").fill("One cup only");
  await dialog(page).getByRole("button", { name: "Approve", exact: true }).press("Enter");
  const isRefused = await field(page, "Amount in EUR").evaluate((it) => !it.checkValidity());
  await field(page, "Amount in EUR").fill("12.4");
  await field(page, "Reason").selectOption({ label: "Broken" });
  await dialog(page).getByRole("button", { name: "Approve", exact: true }).press("Enter");
  await closed(page);
  const chosen = { mine: await shown.locator(".my-choice").innerText(), focus: (await focused(page)) === refund.id };
  await waiting.waitFor({ state: "detached" });
  const unread = await page.locator(".bell .count, .bell-button .count").count();
  await choose("carol", refund, { actionIds: ["approve"], input: { amount: 10 } });
  await until(() => standing(page, REFUND.title), (text) => text.includes("Decided"));
  const decided = inLine(await standing(page, REFUND.title));
  const input = inLine(await shown.locator("dl").last().innerText());
  await button(page, "Who chose what").click();
  const reasons = async () => inLine(await dialog(page).locator(".question").innerText());
  const why = await until(reasons, (text) => text.includes("carol"));
  report("approved", { counted, asked, isRefused, chosen, unread, decided, input, why, left: await button(page, "Approve").count() });
}

// The reader makes a poll in the composer. Others vote, she votes, takes that back, and closes it.
export async function poll() {
  const { choose } = await groupOf("Lunch");
  const page = await visitAs("alice");
  await open(page, "Lunch");
  await button(page, "Create a poll").click();
  await page.keyboard.type("Where do we eat?");
  await field(page, "Answer 1").fill("Noodles");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Noodles");
  await button(page, "Create poll").click();
  const problem = await until(() => dialog(page).getByRole("alert").innerText(), (text) => text !== "");
  await field(page, "Answer 2").fill("Soup");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Picnic");
  await button(page, "Allow several answers").or(page.getByRole("switch", { name: "Allow several answers" })).click();
  await button(page, "Create poll").click();
  await closed(page);
  const shown = card(page, "Where do we eat?");
  await shown.waitFor();
  const id = await page.locator("article:has(.card)").getAttribute("data-id");
  const kind = await shown.locator(".card-kind").innerText();
  await choose("bob", { id }, { actionIds: ["1", "3"] });
  await choose("carol", { id }, { actionIds: ["1"] });
  const names = async () => (await shown.locator(".option").allInnerTexts()).map((each) => inLine(each).replace(/\d+ /, ""));
  const moved = await until(names, ([first]) => first === "Noodles 2 votes");
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
  const who = inLine(await dialog(page).locator(".question").innerText());
  await page.keyboard.press("Escape");
  await closed(page);
  await page.locator(`[data-id="${id}"]`).click({ button: "right" });
  const actions = await page.getByRole("menuitem").allInnerTexts();
  await page.getByRole("menuitem", { name: "Close poll" }).click();
  await button(page, "Close poll").click();
  await closed(page);
  await until(() => standing(page, "Where do we eat?"), (text) => text.includes("Closed"));
  const standingThen = inLine(await standing(page, "Where do we eat?"));
  const canEdit = actions.some((label) => label.startsWith("Edit"));
  await composer(page).press("ArrowUp");
  const edits = await page.locator(".composer .origin").count();
  report("voted", { problem, kind, moved, who, canEdit, edits, standing: standingThen, buttons: await shown.locator("button.option").count() });
}

// Cards of all kinds at the width of a phone, in both looks, with their dialogs.
export async function phone() {
  const { ask, choose } = await groupOf("On a phone");
  const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
  await ask("bob", { ...REFUND, expiresAt, who: { users: ["alice", "carol"] } });
  const long = "a long answer ".repeat(5).trim();
  const options = [{ id: "1", label: long }, { id: "2", label: "x".repeat(80) }];
  const asked = await ask("bob", { title: "Which one? ".repeat(15).trim(), actions: options, decide: "poll", max: 2, names: "hidden" });
  await choose("carol", asked, { actionIds: ["1"] });
  const over = await ask("carol", { title: "Deploy?", actions: [{ id: "y", label: long }, { id: "n", label: "No" }], decide: "first" });
  await choose("bob", over, { actionIds: ["y"] });
  const page = await visitAs("alice", { viewport: { width: 320, height: 700 }, hasTouch: true, isMobile: true });
  const found = await violations(page, "list");
  await open(page, "On a phone");
  await button(page, "Approve").waitFor();
  found.push(...(await violations(page, "cards")));
  await button(page, "Approve").tap();
  await field(page, "Amount in EUR").waitFor();
  found.push(...(await violations(page, "form")));
  await button(page, "Close").tap();
  await page.getByRole("button", { name: "Jump to newest" }).tap();
  await atEnd(page);
  await card(page, "Deploy?").getByText("Decided").waitFor();
  found.push(...(await violations(page, "older cards")));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  const inRow = await page.locator(".card").evaluateAll((all) => all.every((it) => it.scrollWidth <= it.clientWidth));
  const heights = await page.locator(".card button:not(.reach)").evaluateAll((all) => all.map((it) => it.getBoundingClientRect().height));
  await button(page, "Who chose what").first().tap();
  await dialog(page).waitFor();
  found.push(...(await violations(page, "choices")));
  await button(page, "Close").tap();
  await page.locator(".composer .unfold").tap();
  await button(page, "Create a poll").tap();
  found.push(...(await violations(page, "new poll")));
  report("looked at", { found, wide, inRow, low: heights.filter((height) => height < 24).length });
}
