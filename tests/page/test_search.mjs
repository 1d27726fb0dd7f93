// Messages, people and conversations are found.
import { deepEqual, equal, ok } from "node:assert/strict";
import { call, composer, conversations, ledTo, message, open, opened, post, until, visitAs } from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const panel = (page) => page.getByRole("region", { name: "Search", exact: true });
const found = (page) => page.locator(".find");

// The index follows the messages a moment later.
async function indexed(query, count) {
  const find = async () => (await call("GET", `search?limit=50&q=${encodeURIComponent(query)}`, "alice")).items.length;
  if ((await until(find, (all) => all >= count)) < count) throw new Error(`${query} was not found`);
}

test("Messages are found here and everywhere", [], async () => {
  for (let number = 1; number <= 30; number++)
    await post("messages", "bob", { conversationId: "talk-123", content: `Grüße number ${number} from the needlework` });
  await post("messages", "alice", { conversationId: "general", content: "A needle elsewhere <b>x</b>" });
  await indexed("gruSSe", 30);
  await indexed("elsewhere", 1);
  const alice = await visitAs("alice");
  await open(alice, "talk-123");
  await alice.getByRole("button", { name: "Search", exact: true }).click();
  const field = panel(alice).getByRole("searchbox", { name: "Search messages" });
  await field.fill("gruSSe");
  await found(alice).nth(19).waitFor();
  equal(await found(alice).count(), 20);
  deepEqual(await found(alice).first().locator("mark").allTextContents(), ["Grüße"]);
  await panel(alice).getByRole("button", { name: "Show more" }).click();
  await found(alice).nth(29).waitFor();
  equal(await found(alice).count(), 30);

  await found(alice).last().click();
  await ledTo(alice, "Grüße number 1 from the needlework");
  await field.fill("needle");
  await panel(alice).getByLabel("Everywhere").check();
  await found(alice).filter({ hasText: "general" }).waitFor();
  deepEqual(await found(alice).first().locator("mark").allTextContents(), ["needle"]);
  await panel(alice).getByRole("button", { name: "Filters" }).click();
  await panel(alice).getByLabel("Find people").fill("bob");
  await panel(alice).locator(".found [role=option]").getByText("bob", { exact: true }).click();
  await found(alice).filter({ hasText: "general" }).waitFor({ state: "detached" });
  await panel(alice).getByLabel("End date").fill("2001-01-01");
  await panel(alice).getByText("No messages found").waitFor();
  await panel(alice).getByLabel("End date").fill("");
  await panel(alice).getByRole("button", { name: "Remove bob" }).click();
  await found(alice).filter({ hasText: "general" }).waitFor();
  // Arrow keys go through the results, and Enter opens the first one.
  await field.press("ArrowDown");
  await found(alice).first().and(alice.locator(":focus")).waitFor();
  await alice.keyboard.press("ArrowUp");
  await field.and(alice.locator(":focus")).waitFor();
  await field.press("Enter");
  await opened(alice, "general");
  await message(alice, "A needle elsewhere <b>x</b>").waitFor();
  ok(await panel(alice).isVisible());
});

// From the list of conversations: their names, people, and messages anywhere.
test("One field finds conversations, people and messages", [], async () => {
  await post("messages", "bob", { conversationId: "conv-456", content: "the haystack is here" });
  await indexed("haystack", 1);
  const alice = await visitAs("alice");
  const field = alice.locator("aside").getByRole("searchbox");
  await field.fill("haystack");
  await found(alice).click();
  await opened(alice, "conv-456");
  await ledTo(alice, "the haystack is here");
  // The results stay for the next one.
  equal(await field.inputValue(), "haystack");
  equal(await found(alice).count(), 1);
  // Escape ends the search, and the reader stays at the message.
  await alice.getByRole("log").focus();
  await alice.keyboard.press("Escape");
  await becomes(() => field.inputValue(), "");
  ok(new URL(alice.url()).hash.split("/").length > 3);
  await field.fill("carol");
  await alice.getByRole("region", { name: "People" }).getByRole("button", { name: "carol" }).click();
  await opened(alice, "carol");
  equal(await field.inputValue(), "");
  for (const open of [() => field.press("Enter"), () => conversations(alice).filter({ hasText: "general" }).click()]) {
    await field.fill("gener");
    await conversations(alice).filter({ hasText: "test-conv" }).waitFor({ state: "detached" });
    await open();
    await opened(alice, "general");
    await conversations(alice).filter({ hasText: "test-conv" }).waitFor();
    equal(await field.inputValue(), "");
  }
  await field.fill("test-c");
  await conversations(alice).filter({ hasText: "general" }).waitFor({ state: "detached" });
  // The list is drawn again beside the other results.
  await conversations(alice).filter({ hasText: "test-conv" }).waitFor();
  deepEqual(await conversations(alice).locator(".name").allTextContents(), ["test-conv"]);
  await field.press("Escape");
  await conversations(alice).filter({ hasText: "general" }).waitFor();
});

test("A search that fails can be tried again", [], async () => {
  const alice = await visitAs("alice", { expected: /ERR_FAILED|status of 503/ });
  await open(alice, "test-conv");
  await alice.route("**/api/v1/search?**", (route) => route.abort());
  await alice.getByRole("button", { name: "Search", exact: true }).click();
  await panel(alice).getByRole("searchbox").fill("anything");
  const problem = panel(alice).getByRole("alert").filter({ hasText: "cannot be reached" });
  await problem.waitFor();
  await alice.unroute("**/api/v1/search?**");
  await problem.getByRole("button", { name: "Try again" }).click();
  await panel(alice).getByText("No messages found").waitFor();
});

// A search without results offers what comes next.
test("A search without results offers what comes next", [], async () => {
  const alice = await visitAs("alice");
  const search = alice.locator(".sidebar").getByRole("searchbox");
  await search.fill("zzqqx");
  const heading = alice.getByRole("heading", { name: "No results for “zzqqx”" });
  await heading.waitFor();
  await alice.getByRole("button", { name: "Find people", exact: true }).click();
  await alice.getByRole("dialog").waitFor();
  await alice.keyboard.press("Escape");
  await alice.locator("dialog").waitFor({ state: "detached" });
  await search.fill("");
  await conversations(alice).first().waitFor();
  // With no conversation of the name, Enter opens what else was found.
  await post("messages", "bob", { conversationId: "general", content: "Only a marzipan message" });
  await indexed("marzipan", 1);
  await search.fill("marzipan");
  await alice.locator(".found-elsewhere .find").waitFor();
  await search.press("Enter");
  await opened(alice, "general");
  await ledTo(alice, "Only a marzipan message");
  // What is typed then is a text, also after the arrow keys have led to a result.
  await search.press("ArrowDown");
  await alice.keyboard.press("Enter");
  await alice.locator(".message:focus").filter({ hasText: "Only a marzipan message" }).waitFor();
  await alice.keyboard.type("edit this");
  equal(await composer(alice).inputValue(), "edit this");
  await search.fill("");
  equal(await search.inputValue(), "");
  equal(await heading.count(), 0);
});
