import { act, call, composer, open, post, report, visitAs } from "../browser.mjs";

const picture = async (page, name) => {
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${name}.png` });
};

// A message is reported from its menu; the server then has the reason and the note.
export async function message() {
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
  await picture(alice, "report");
  await asking.getByRole("button", { name: "Report", exact: true }).click();
  const thanks = await asking.getByRole("status").textContent();
  await picture(alice, "reported");
  await asking.getByRole("button", { name: "Close" }).click();
  await asking.waitFor({ state: "detached" });
  // A further report returns the open one.
  const { reason, note, state } = await call("POST", `messages/${sent.id}/report`, "alice", { reason: "other" });
  report("reported", { thanks: thanks.length > 0, reason, note, state });
}

// Nobody reports what is their own.
export async function own() {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Mine", memberIds: ["bob"] });
  await post("messages", "alice", { conversationId: id, content: "Hello" });
  const alice = await visitAs("alice");
  await open(alice, "Mine");
  const at = alice.locator(".message:not(.letter)").filter({ hasText: "Hello" });
  await at.hover();
  await at.getByRole("button", { name: "More actions" }).click();
  await alice.getByRole("menuitem", { name: "Delete", exact: true }).waitFor();
  report("offered", { reporting: (await alice.getByRole("menuitem", { name: "Report message" }).count()) > 0 });
}
