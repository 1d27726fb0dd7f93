// Agents are labelled beside their names, with the person for whom they write.
import { deepEqual, equal } from "node:assert/strict";
import { call, message, open, post, url, visitAs } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

// A group with an agent, which writes for itself and for its owner.
test("Agents are labelled in messages and among members", ["admin_token"], async ({ adminToken: token }) => {
  await call("GET", "users/me", "alice");
  await put("helper", token, { name: "Helper", kind: "agent", ownerId: "alice" });
  const group = { kind: "group", memberIds: ["bob", "helper"], name: "With an agent" };
  const { id } = await post("conversations", "alice", group);
  const say = (user, content, more) => post("messages", user, { conversationId: id, content, ...more });
  await say("bob", "Has it been paid?");
  await say("helper", "I will look.", { generated: { model: "small-1" } });
  await say("helper", "Looked.");
  await say("helper", "I have paid.", { onBehalfOf: "alice" });
  await say("helper", "Twice.", { onBehalfOf: "alice" });

  const page = await visitAs("bob");
  await open(page, "With an agent");
  await message(page, "Twice.").waitFor();
  await page.locator(".agent-mark .owner").waitFor();
  const articles = page.locator(".message.authored");
  const marks = await articles.evaluateAll((all) =>
    all.map((each) => each.querySelector(".agent-mark")?.innerText.replace(/\s+/g, " ").trim() ?? ""),
  );
  deepEqual(marks, ["", "Agent", "", "Agent for alice", ""]);
  const label = await articles.nth(3).getAttribute("aria-label");
  equal(label.replace(/\d+:\d+\s[AP]M/, "TIME"), "Helper, Agent, for alice, TIME: I have paid.");
  await page.getByRole("button", { name: /Details/ }).click();
  const members = page.locator(".member").filter({ has: page.locator(".name") });
  await members.filter({ hasText: "Helper" }).waitFor();
  const rows = await members.evaluateAll((all) =>
    all.map((each) => [each.querySelector(".name bdi").textContent, each.querySelector(".badge")?.textContent ?? ""]),
  );
  deepEqual(rows, [["alice", "Owner"], ["bob", ""], ["Helper", "Agent"]]);
  await put("helper", token, { kind: "person" });
  await members.filter({ hasText: "Helper" }).getByText("Agent").waitFor({ state: "detached" });
});

async function put(id, token, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/api/v1/users/${id}`, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the change was answered with ${answer.status}`);
}

// Rates messages of an agent by keyboard and mouse, says why, and loads the page again.
test("Messages of agents are rated and only their owner sees how many", ["admin_token"], async ({ adminToken }) => {
  await call("GET", "users/me", "alice");
  await put("rated-helper", adminToken, { name: "Helper", kind: "agent", ownerId: "alice" });
  const group = { kind: "group", memberIds: ["bob", "rated-helper"], name: "With a rated agent" };
  const { id } = await post("conversations", "alice", group);
  const say = (user, content) => post("messages", user, { conversationId: id, content });
  await say("bob", "When was it sent?");
  const { id: first } = await say("rated-helper", "It was sent today.");
  await say("rated-helper", "It was sent yesterday.");

  const page = await visitAs("bob");
  await open(page, "With a rated agent");
  const thumbs = (text) => article(page, text).getByRole("group", { name: "Rate this message" });
  await thumbs("It was sent yesterday.").waitFor();
  equal(await article(page, "When was it sent?").getByRole("group", { name: "Rate this message" }).count(), 0);
  const pressed = async () => {
    const all = await page.locator(".thumb").all();
    return Promise.all(all.map((each) => each.getAttribute("aria-pressed")));
  };
  deepEqual(await pressed(), ["false", "false", "false", "false"]);
  await thumbs("It was sent yesterday.").getByRole("button", { name: "Good answer" }).click();
  const bad = thumbs("It was sent today.").getByRole("button", { name: "Bad answer" });
  await bad.focus();
  await page.keyboard.press("Space");
  const why = article(page, "It was sent today.").getByRole("button", { name: "Say why" });
  await why.waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const field = page.getByRole("dialog").getByRole("textbox", { name: "Comment (optional)" });
  await field.fill("It has not come.");
  await page.keyboard.press("Tab");
  await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
  await article(page, "It was sent today.").getByRole("button", { name: "Change your comment" }).waitFor();
  deepEqual(await pressed(), ["false", "true", "true", "false"]);
  deepEqual(await call("GET", `messages/${first}/rating`, "bob"), { mine: -1, comment: "It has not come." });
  await page.reload();
  await thumbs("It was sent yesterday.").waitFor();
  await thumbs("It was sent today.").waitFor();
  deepEqual(await pressed(), ["false", "true", "true", "false"]);

  const owner = await visitAs("alice");
  await open(owner, "With a rated agent");
  const counted = (name) => article(owner, "It was sent today.").getByRole("button", { name, exact: true });
  await counted("Bad answer, 1").click();
  await counted("Bad answer, 2").waitFor();
  await thumbs("It was sent today.").getByRole("button", { name: "Bad answer", exact: true }).click();
  await counted("Bad answer, 1").waitFor();
});

const article = (page, text) => page.locator(".message.authored").filter({ hasText: text });
