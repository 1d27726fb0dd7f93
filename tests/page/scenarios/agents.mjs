import { call, message, open, post, report, url, visitAs } from "../browser.mjs";

// A group with an agent, which writes for itself and for its owner.
export async function labelled({ token }) {
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
  const labels = await articles.evaluateAll((all) => all.map((each) => each.getAttribute("aria-label")));
  await page.getByRole("button", { name: /Details/ }).click();
  const members = page.locator(".member").filter({ has: page.locator(".name") });
  await members.filter({ hasText: "Helper" }).waitFor();
  const rows = await members.evaluateAll((all) =>
    all.map((each) => [each.querySelector(".name bdi").textContent, each.querySelector(".badge")?.textContent ?? ""]),
  );
  await put("helper", token, { kind: "person" });
  await members.filter({ hasText: "Helper" }).getByText("Agent").waitFor({ state: "detached" });
  report("labelled", { marks, labels: labels.map((label) => label.replace(/\d+:\d+\s[AP]M/, "TIME")), rows });
}

async function put(id, token, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/api/v1/users/${id}`, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the change was answered with ${answer.status}`);
}

// Rates messages of an agent by keyboard and mouse, says why, and loads the page again.
export async function rated({ token }) {
  await call("GET", "users/me", "alice");
  await put("rated-helper", token, { name: "Helper", kind: "agent", ownerId: "alice" });
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
  const without = await article(page, "When was it sent?").getByRole("group", { name: "Rate this message" }).count();
  const pressed = async () => {
    const all = await page.locator(".thumb").all();
    return Promise.all(all.map((each) => each.getAttribute("aria-pressed")));
  };
  const before = await pressed();
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
  const shown = await pressed();
  const stored = await call("GET", `messages/${first}/rating`, "bob");
  await page.reload();
  await thumbs("It was sent yesterday.").waitFor();
  await thumbs("It was sent today.").waitFor();
  const reloaded = await pressed();

  const owner = await visitAs("alice");
  await open(owner, "With a rated agent");
  const counted = (name) => article(owner, "It was sent today.").getByRole("button", { name, exact: true });
  await counted("Bad answer, 1").click();
  await counted("Bad answer, 2").waitFor();
  await thumbs("It was sent today.").getByRole("button", { name: "Bad answer", exact: true }).click();
  await counted("Bad answer, 1").waitFor();
  report("rated", { without, before, shown, stored, reloaded });
}

const article = (page, text) => page.locator(".message.authored").filter({ hasText: text });
