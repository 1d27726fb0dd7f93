import { call, composer, conversations, message, open, post, report, say, visitAs } from "../browser.mjs";

const at = (page, content) => page.locator(".message").filter({ has: page.getByText(content, { exact: true }) });

// Who reacted stands at the reaction, and in a list for who has no pointer.
export async function reactions() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Reactions" });
  const { id: messageId } = await post("messages", "bob", { conversationId: id, content: "Well?" });
  for (const user of ["alice", "bob", "carol"])
    await call("PUT", `messages/${messageId}/reactions/${encodeURIComponent("👍")}`, user);
  const alice = await visitAs("alice");
  await open(alice, "Reactions");
  const title = await alice.getByRole("button", { name: "👍, 3" }).getAttribute("title");
  await at(alice, "Well?").hover();
  await at(alice, "Well?").getByRole("button", { name: "More actions" }).click();
  await alice.getByRole("menuitem", { name: "Reactions" }).click();
  await alice.getByRole("dialog", { name: "Reactions" }).locator("li").nth(2).waitFor();
  const listed = await alice.getByRole("dialog", { name: "Reactions" }).locator("li .receipt-name").allTextContents();
  report("reacted", { title, listed });
}

// What is written from right to left is read so, whatever stands around it.
export async function directions() {
  const alice = await visitAs("alice");
  await open(alice, "conv-456");
  await composer(alice).fill("שלום world.");
  const field = await composer(alice).evaluate((it) => getComputedStyle(it).direction);
  await alice.keyboard.press("Enter");
  await message(alice, "שלום world.").waitFor();
  await say(alice, "مرحبا\n\nand in English");
  await message(alice, "and in English").waitFor();
  const text = (content) => message(alice, content).locator("xpath=ancestor-or-self::*[@dir][1]");
  const leftOf = (content) =>
    message(alice, content).evaluate((it) => {
      const range = document.createRange();
      range.selectNodeContents(it);
      const frame = it.closest(".text").getBoundingClientRect();
      return range.getBoundingClientRect().left - frame.left < 10;
    });
  report("directed", {
    field,
    hebrew: await text("שלום world.").evaluate((it) => getComputedStyle(it).direction),
    sides: [await leftOf("שלום world."), await leftOf("مرحبا"), await leftOf("and in English")],
    preview: await conversations(alice).filter({ hasText: "conv-456" }).locator(".last bdi").last().textContent(),
  });
}

// Each message says when it was sent, also one that goes on from another.
export async function times() {
  const alice = await visitAs("alice");
  await open(alice, "1");
  await say(alice, "Number one");
  await say(alice, "Number two");
  await message(alice, "Number two").waitFor();
  const when = at(alice, "Number two").locator("time.when");
  const opacity = () => when.evaluate((it) => getComputedStyle(it).opacity);
  const before = await opacity();
  await at(alice, "Number two").hover();
  report("timed", { before, after: await opacity(), says: /^\d?\d[:.]\d\d$/.test(await when.textContent()) });
}

// Whoever was added later has read what was said before at no time that anybody knows.
export async function seen_by_newcomers() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Seen" });
  await post("messages", "alice", { conversationId: id, content: "Early" });
  await post(`conversations/${id}/members`, "alice", { userIds: ["carol"] });
  await post(`conversations/${id}/read`, "carol", {});
  const alice = await visitAs("alice");
  await open(alice, "Seen");
  await at(alice, "Early").hover();
  await at(alice, "Early").getByRole("button", { name: "More actions" }).click();
  await alice.getByRole("menuitem", { name: "Seen by" }).click();
  const dialog = alice.getByRole("dialog", { name: "Seen by" });
  await dialog.getByText("carol").waitFor();
  report("seen", { old: /19(69|70)/.test(await dialog.textContent()) });
}
