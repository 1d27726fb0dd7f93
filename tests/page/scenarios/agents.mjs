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
