// Reporting messages to the admins of the server.
import { equal, ok } from "node:assert/strict";
import { act, call, composer, message, open, post, url, visitAs } from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

const bell = (page, name) => page.getByRole("button", { name, exact: true });

// A message is reported from its menu; the server then has the reason and the note.
test("A message is reported with a reason and a note", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Market", memberIds: ["bob"] });
  const sent = await post("messages", "bob", { conversationId: id, content: "Buy now" });
  await post("messages", "alice", { conversationId: id, content: "No" });
  const alice = await visitAs("alice");
  await open(alice, "Market");
  await composer(alice).waitFor();
  await act(alice, "Buy now", "Report message");
  const asking = alice.getByRole("dialog", { name: "Report message" });
  await asking.getByRole("radio", { name: "Abuse" }).check();
  await asking.getByLabel("Note (optional)").fill("The third time");
  await asking.getByRole("button", { name: "Report", exact: true }).click();
  ok((await asking.getByRole("status").textContent()).length > 0);
  await asking.getByRole("button", { name: "Done" }).click();
  await asking.waitFor({ state: "detached" });
  // A further report returns the open one.
  const { reason, note, state } = await call("POST", `messages/${sent.id}/report`, "alice", { reason: "other" });
  equal(reason, "abuse");
  equal(note, "The third time");
  equal(state, "open");
});

test("Nobody reports their own message", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Mine", memberIds: ["bob"] });
  await post("messages", "alice", { conversationId: id, content: "Hello" });
  const alice = await visitAs("alice");
  await open(alice, "Mine");
  const at = alice.locator(".message:not(.letter)").filter({ hasText: "Hello" });
  await at.hover();
  await at.getByRole("button", { name: "More actions" }).click();
  await alice.getByRole("menuitem", { name: "Delete", exact: true }).waitFor();
  equal(await alice.getByRole("menuitem", { name: "Report message" }).count(), 0);
});

// Anyone who looks at the conversation of a report learns of the decision from the bell, which counts it until it is
// read there: opening the conversation again reads nothing of it.
test("A decision is unread until the bell shows it", ["admin_token"], async ({ adminToken: token }) => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Decided", memberIds: ["bob"] });
  const sent = await post("messages", "bob", { conversationId: id, content: "Buy now" });
  await post("messages", "alice", { conversationId: id, content: "No" });
  const reported = await post(`messages/${sent.id}/report`, "alice", { reason: "spam" });
  const pages = [];
  for (const user of ["alice", "bob"]) {
    // What other tests have left.
    await post("notifications/read", user, { all: true });
    const page = await visitAs(user);
    pages.push(page);
    await open(page, "Decided");
    await message(page, "No").waitFor();
    await bell(page, "Notifications").waitFor();
  }
  const decided = await fetch(`${url}/api/v1/reports/${reported.id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ state: "resolved", action: "delete", reason: "Advertising" }),
  });
  equal(decided.status, 200);
  for (const page of pages) {
    await bell(page, "Notifications, 1 unread").waitFor();
    await open(page, "general");
    await open(page, "Decided");
    await message(page, "No").waitFor();
    await bell(page, "Notifications, 1 unread").click();
    const entry = page.getByRole("dialog", { name: "Notifications" }).locator(".notification.new");
    ok((await entry.textContent()).includes("Advertising"));
    await entry.click();
    await bell(page, "Notifications").waitFor();
  }
});
