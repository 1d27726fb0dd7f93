// Other people: who they are, and of whom one does not want to hear.
import { deepEqual, equal } from "node:assert/strict";
import {
  call,
  composer,
  conversations,
  listed,
  message,
  open,
  openSettings,
  opened,
  post,
  say,
  start,
  until,
  visit,
  visitAs,
} from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

const card = (page, name) => page.getByRole("dialog", { name });

async function visitInGerman(user) {
  const page = await visit({ locale: "de-DE" });
  await page.getByLabel("Andere Nutzer-ID").fill(user);
  await page.getByRole("button", { name: "Los", exact: true }).click();
  await conversations(page).first().waitFor();
  return page;
}

async function showCard(page, name) {
  await page.locator(".message header").getByRole("button", { name, exact: true }).first().click();
  await card(page, name).waitFor();
}

// A name leads to its person, and to the talk with them.
test("A name leads to its person and the talk with them", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "test-conv");
  await open(bob, "test-conv");
  await say(bob, "Who am I?");
  await message(alice, "Who am I?").waitFor();
  await bob.getByRole("button", { name: /^Your account/ }).click();
  await bob.getByRole("menuitemradio", { name: "Do not disturb" }).click();
  await bob.getByRole("menuitem", { name: "Until I turn it off" }).click();
  await bob.getByRole("button", { name: "Your account: bob do not disturb" }).waitFor();
  await showCard(alice, "bob");
  await card(alice, "bob").getByText("do not disturb").waitFor();
  // The key means the card only once it has the focus.
  await alice.locator(".person-card:focus-within").waitFor();
  await alice.keyboard.press("Escape");
  await card(alice, "bob").waitFor({ state: "detached" });
  await alice.locator(".message header button:focus").waitFor();
  equal(await alice.evaluate(() => document.activeElement?.textContent), "bob");
  await showCard(alice, "bob");
  await card(alice, "bob").getByRole("button", { name: "Message" }).click();
  await opened(alice, "bob");
  await conversations(alice).filter({ hasText: "bob" }).getByRole("img", { name: "do not disturb" }).waitFor();
  await alice.locator(".subtitle").getByText("do not disturb").waitFor();
});

// What a blocked person says in a group is folded and not counted.
test("What a blocked person says is folded and not counted", [], async () => {
  const [carol, bob] = [await visitAs("carol"), await visitAs("bob")];
  await open(carol, "general");
  await open(bob, "general");
  await say(bob, "Before");
  await message(carol, "Before").waitFor();
  await showCard(carol, "bob");
  await card(carol, "bob").getByRole("button", { name: "Block" }).click();
  const question = carol.getByRole("dialog", { name: "Block bob?" });
  await question.getByText("learn that they can't write to you only when they try").waitFor();
  await question.getByRole("button", { name: "Block" }).click();
  await message(carol, "Before").waitFor({ state: "detached" });
  await say(bob, "After");
  // The list of conversations says so too.
  await carol.locator(".folded").nth(1).waitFor();
  equal(await carol.locator(".announcer").textContent(), "bob: Before");
  await start(carol, ["alice"]);
  await opened(carol, "alice");
  await say(bob, "Unheard");
  // It goes to the top of the list, above the new conversation.
  await conversations(carol).first().filter({ hasText: "general" }).waitFor();
  await conversations(carol).filter({ hasText: "general" }).getByText("Message from someone you blocked.").waitFor();
  equal(await carol.title(), "Talkwire");
  await carol.reload();
  await open(carol, "general");
  await carol.locator(".folded").nth(2).waitFor();
  equal(await carol.locator(".folded").count(), 3);
  await carol.locator(".folded").last().getByRole("button", { name: "Show" }).click();
  await message(carol, "Unheard").waitFor();

  await openSettings(carol, "Privacy");
  await carol.getByRole("button", { name: "Unblock bob" }).click();
  await carol.getByText("You haven't blocked anyone.").waitFor();
  await carol.keyboard.press("Escape");
  await message(carol, "Before").waitFor();
});

// What a blocked person said and offered in a group is hidden in other places too, and in direct conversations nowhere.
test("What a blocked person says is hidden wherever it would be read", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Fair" });
  const direct = await post("conversations", "bob", { kind: "direct", memberIds: ["carol"] });
  const offer = (title, conversationId) =>
    post(`conversations/${conversationId}/offers`, "bob", { title, amount: 500, currency: "EUR" });
  const posted = await post("messages", "bob", { conversationId: id, content: "A secret by bob" });
  await call("PUT", `messages/${posted.id}/pin`, "alice");
  await post("messages", "alice", { conversationId: id, content: "An answer", replyToId: posted.id });
  await post("messages", "carol", { conversationId: id, content: "In its thread", threadId: posted.id });
  await post(`offers/${(await offer("Secret bike", id)).id}/accept`, "alice");
  await offer("Secret lamp", id);
  await offer("Open bike", direct.id);
  const find = async () => (await call("GET", "search?q=secret", "carol")).items.length;
  await until(find, (count) => count === 1);
  await call("PUT", "users/me/blocks/bob", "carol");

  // Wide enough for all buttons of the header beside a panel.
  const carol = await visitAs("carol", { viewport: { width: 1280, height: 800 } });
  const within = (name) => carol.getByRole("region", { name, exact: true });
  const [text, offered] = ["Message from someone you blocked.", "Offer from someone you blocked."];
  // Nothing of bob can be read there.
  const reads = async (at, expected) => {
    const hidden = expected.filter((each) => each.includes("you blocked")).length;
    await at.filter({ hasText: "you blocked" }).nth(hidden - 1).waitFor();
    deepEqual(await at.allTextContents(), expected);
  };
  await reads(listed(carol, "Fair").locator(".last"), [offered]);
  await carol.getByRole("button", { name: "Threads" }).click();
  await reads(carol.getByRole("dialog", { name: "Threads" }).locator(".thread-root"), [text]);
  await carol.keyboard.press("Escape");
  await open(carol, "Fair");
  await reads(carol.locator(".conversation :is(.folded, .quote, .notice-line > span, .offer .what)"), [
    `${text}Show`,
    text,
    `${offered}Show`,
    "alice accepted an offer",
    `${offered}Show`,
  ]);
  await carol.getByRole("button", { name: "Offers", exact: true }).click();
  await reads(within("Offers").locator(".folded, .offer .what"), [`${offered}Show`, `${offered}Show`]);
  await carol.getByRole("button", { name: "1 pinned message" }).click();
  await reads(within("Pinned messages").locator(".find :is(strong, .find-says)"), [text]);
  await carol.getByRole("button", { name: "Search", exact: true }).click();
  await within("Search").getByRole("searchbox", { name: "Search messages" }).fill("secret");
  await reads(within("Search").locator(".find :is(strong, .find-says)"), [offered, offered, text]);
  await carol.locator("aside").getByRole("searchbox").fill("secret");
  await reads(carol.locator("aside .find :is(strong, .find-says)"), [offered, offered, text]);

  // A result leads to the message, which can be shown there, and so can an offer.
  await within("Search").getByRole("button", { name: "Message from someone you blocked." }).click();
  await carol.locator(".shown > .folded").getByRole("button", { name: "Show" }).click();
  await message(carol, "A secret by bob").waitFor();
  await carol.locator(".conversation .folded").last().getByRole("button", { name: "Show" }).click();
  await carol.locator(".conversation").getByRole("button", { name: "Accept: Secret lamp" }).waitFor();

  await carol.locator("aside").getByRole("searchbox").fill("");
  equal(await listed(carol, "bob").locator(".last").textContent(), "Offer: €5.00");
  await listed(carol, "bob").click();
  await carol.locator(".conversation").getByRole("article", { name: "Offer: Open bike" }).waitFor();
  await call("DELETE", "users/me/blocks/bob", "carol");
});

// In the direct conversation with a blocked person, the reader can unblock, and neither write nor call.
test("Nobody writes to or calls a person they have blocked", [], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["carol"]);
  await opened(alice, "carol");
  const calls = alice.getByRole("button", { name: "Call", exact: true });
  await calls.waitFor();
  await alice.getByRole("button", { name: "Details" }).click();
  await alice.locator(".panel").getByRole("button", { name: "Block" }).click();
  await alice.getByRole("dialog", { name: "Block carol?" }).getByRole("button", { name: "Block" }).click();
  await alice.getByText("You blocked carol.").waitFor();
  equal(await calls.count(), 0);
  equal(await composer(alice).count(), 0);
  await alice.locator(".conversation .read-only").getByRole("button", { name: "Unblock" }).click();
  await composer(alice).waitFor();
  await calls.waitFor();
});

// A blocked person who writes learns that it is not possible, and is not offered to try it again.
test("A blocked person can send again when the block has ended", [], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["carol"]);
  await opened(alice, "carol");
  await say(alice, "Before");
  await message(alice, "Before").waitFor();
  equal(
    await until(() => listed(alice, "carol").locator(".last").textContent(), (text) => text.includes("Before")),
    "You: Before",
  );
  await call("PUT", "users/me/blocks/alice", "carol");
  await say(alice, "After");
  const refused = alice.locator(".letter .problem");
  await refused.getByText("blocked").waitFor();
  deepEqual(await refused.getByRole("button").allTextContents(), ["Try again", "Discard"]);
  await call("DELETE", "users/me/blocks/alice", "carol");
  await refused.getByRole("button", { name: "Try again" }).click();
  await message(alice, "After").waitFor();
  equal(await refused.count(), 0);
});

// Anyone who is called something else is so everywhere, at once.
test("A new name is everywhere at once", [], async () => {
  const [alice, renamed] = [await visitAs("alice"), await visitAs("test")];
  await start(alice, ["test"]);
  await opened(alice, "test");
  await post("messages", "test", { conversationId: "test-conv", content: "From me" });
  await renamed.getByRole("button", { name: /^Your account/ }).click();
  await renamed.getByRole("menuitem", { name: "Settings" }).click();
  await renamed.getByLabel("Name", { exact: true }).fill("Theodora");
  await renamed.getByLabel("About you").fill("Tests things");
  await renamed.getByRole("button", { name: "Save", exact: true }).click();
  await opened(alice, "Theodora");
  await open(alice, "test-conv");
  await message(alice, "From me").waitFor();
  await showCard(alice, "Theodora");
  await card(alice, "Theodora").getByText("Tests things").waitFor();
  await renamed.reload();
  await renamed.getByRole("button", { name: "Your account: Theodora online" }).waitFor();
});

// Deleted accounts are called so, without ids, and are neither listed nor counted among the members.
test("Deleted accounts have one name and are not listed", [], async () => {
  const alice = await visitInGerman("alice");
  await call("GET", "users/me", "leaver");
  await call("GET", "users/me", "other-leaver");
  const { id } = await post("conversations", "alice", { kind: "group", name: "Left", memberIds: ["bob"] });
  await post(`conversations/${id}/members`, "alice", { userIds: ["leaver", "other-leaver"] });
  await post("messages", "leaver", { conversationId: id, content: "Bye" });
  await listed(alice, "Left").click();
  await message(alice, "Bye").waitFor();
  const lines = alice.locator(".notice-line > span");
  await lines.getByText("leaver").first().waitFor();
  await call("DELETE", "users/me", "leaver");
  await call("DELETE", "users/me", "other-leaver");
  const shown = async () => {
    const author = alice.locator(".message header");
    await alice.locator(".subtitle").getByText("2 Mitglieder").waitFor();
    await author.getByRole("button", { name: "Gelöschtes Konto" }).waitFor();
    await lines.filter({ hasText: "Gelöschtes Konto und Gelöschtes Konto" }).waitFor();
    await listed(alice, "Left").locator(".said-by").getByText("Gelöschtes Konto").waitFor();
    return [await author.locator(".person-handle").count(), (await lines.allTextContents()).join().includes("@")];
  };
  deepEqual(await shown(), [0, false]);
  await alice.getByRole("button", { name: "Details" }).click();
  const members = alice.locator(".panel .member");
  await members.nth(1).waitFor();
  equal(await alice.locator(".panel .members h3").textContent(), "2 Mitglieder");
  deepEqual(await members.locator(".name bdi").allTextContents(), ["alice", "bob"]);
  await alice.locator(".message header").getByRole("button", { name: "Gelöschtes Konto" }).click();
  const erased = card(alice, "Gelöschtes Konto");
  await erased.getByText("Dieses Konto wurde gelöscht.").waitFor();
  equal(await erased.getByRole("button").count(), 0);
  await alice.reload();
  deepEqual(await shown(), [0, false]);
});

// A list that has no members yet asks who a deleted account was.
test("The list names deleted accounts in full", [], async () => {
  const alice = await visitInGerman("alice");
  await call("GET", "users/me", "lister");
  const group = { kind: "group", name: "Unopened", memberIds: ["lister"] };
  const { id } = await post("conversations", "alice", group);
  await post("messages", "lister", { conversationId: id, content: "Bye" });
  await call("DELETE", "users/me", "lister");
  await alice.reload();
  await listed(alice, "Unopened").locator(".said-by").getByText("Gelöschtes Konto: ").waitFor();
});

// The direct conversation with somebody who deletes their account can be read, and nobody writes or calls there.
test("Nobody writes to or calls a person without an account", [], async () => {
  const alice = await visitAs("alice");
  await call("GET", "users/me", "goner");
  await start(alice, ["goner"]);
  await opened(alice, "goner");
  await say(alice, "Hello");
  await message(alice, "Hello").waitFor();
  const calls = alice.getByRole("button", { name: "Call", exact: true });
  await calls.waitFor();
  await call("DELETE", "users/me", "goner");
  const why = alice.locator(".conversation .read-only");
  await why.getByText("This account was deleted. Nobody would read your messages.").waitFor();
  equal(await calls.count(), 0);
  equal(await composer(alice).count(), 0);
  await alice.getByRole("button", { name: "Details" }).click();
  await alice.locator(".panel").getByText("This account was deleted.").waitFor();
  equal(await alice.locator(".panel").getByRole("button", { name: "Block" }).count(), 0);
  await alice.reload();
  await why.waitFor();
  await message(alice, "Hello").waitFor();
  equal(await composer(alice).count(), 0);
  equal(await calls.count(), 0);
});

// The details show what members say about their status, in rows that are no higher for it.
test("The details show the status of members", [], async () => {
  await call("PATCH", "users/me", "rider", { name: "Rider" });
  await post("conversations", "alice", { kind: "group", name: "With a status", memberIds: ["rider", "carol"] });
  await call("PUT", "users/me/presence", "rider", { status: "online", text: `🚆 On a train ${"and on ".repeat(25)}` });
  const alice = await visitAs("alice", { path: "/#/" });
  await open(alice, "With a status");
  await alice.getByRole("button", { name: "Details" }).click();
  const row = (name) => alice.locator(".panel .member").filter({ has: alice.locator(".name").getByText(name, { exact: true }) });
  const status = row("Rider").getByText("🚆 On a train");
  await status.waitFor();
  const height = async (name) => (await row(name).boundingBox()).height;
  equal(await height("Rider"), await height("carol"));
  equal(await row("carol").locator(".member-status").count(), 0);
});
