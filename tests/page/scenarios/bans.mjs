// What users see who are banned from a conversation.
import { call, open, post, report, visitAs } from "../browser.mjs";

const DAY_MS = 24 * 3_600_000;

// The notice and the refused attempt to join again say why, and until when.
export async function banned() {
  // What the page loads of a conversation may be refused when the membership ends meanwhile.
  const bob = await visitAs("bob", { expected: /status of 403/ });
  const notice = bob.locator(".notice");
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Rowing club" });
  await call("PATCH", `conversations/${id}`, "alice", { public: true });
  await open(bob, "Rowing club");
  const until = new Date(Date.now() + DAY_MS).toISOString();
  await call("PUT", `conversations/${id}/bans/bob`, "alice", { until, reason: "Too loud" });
  await notice.getByText("Rowing club").waitFor();
  const told = await notice.locator("p, span").first().textContent();
  await notice.getByRole("button", { name: "Close" }).click();

  await bob.getByRole("button", { name: "Browse public conversations" }).first().click();
  const browse = bob.locator("dialog.browse");
  await browse.locator("input").first().fill("Rowing");
  await browse.getByRole("button", { name: /^Join/ }).first().click();
  const problem = bob.getByText(/You are banned/);
  await problem.first().waitFor();
  const refused = await problem.first().textContent();
  await bob.keyboard.press("Escape");
  await open(bob, "general");

  // An end of the membership that is no ban is none, and a ban without an end and a reason has none.
  await call("DELETE", `conversations/${id}/bans/bob`, "alice");
  await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
  await open(bob, "Rowing club");
  await call("DELETE", `conversations/${id}/members/bob`, "alice");
  await bob.locator(".toast:popover-open").getByText("You are no longer a member of Rowing club.").waitFor();
  await bob.waitForURL(({ hash }) => hash === "#/");
  await open(bob, "general");
  await post(`conversations/${id}/members`, "alice", { userIds: ["bob"] });
  await open(bob, "Rowing club");
  await call("PUT", `conversations/${id}/bans/bob`, "alice", {});
  await notice.getByText("You were banned from Rowing club.").waitFor();
  report("banned", { told: withoutTime(told), refused: withoutTime(refused) });
}

const withoutTime = (text) => text.replace(/until tomorrow, \d+:\d+\s[AP]M/, "until TIME");
