// People talk: directly, in groups, with changes of what they said, and with what the server refuses.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  act,
  composer,
  conversations,
  field,
  letters,
  message,
  messages,
  open,
  opened,
  post,
  say,
  start,
  visitAs,
  write,
} from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

test("Two users talk", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "general");
  await open(bob, "general");
  await say(alice, "Hello!\nTwo lines.");
  await message(bob, "Hello!\nTwo lines.").waitFor();
  await bob.locator(".announcer").filter({ hasText: "Hello!" }).waitFor({ state: "attached" });
  equal(await bob.locator(".announcer").textContent(), "alice: Hello!\nTwo lines.");

  await composer(bob).pressSequentially("Hi");
  await alice.getByText("bob is typing…").waitFor();
  await bob.keyboard.press("Enter");
  for (const page of [alice, bob]) await message(page, "Hi").waitFor();
  deepEqual(await messages(alice).allTextContents(), ["Hello!\nTwo lines.", "Hi"]);
  deepEqual(await messages(bob).allTextContents(), ["Hello!\nTwo lines.", "Hi"]);
  equal(await alice.locator(".typing").textContent(), "");

  await start(alice, ["bob"]);
  await opened(alice, "bob");
  await say(alice, "Only you");
  const unread = conversations(bob).filter({ hasText: "Only you" });
  await unread.getByTitle("1 unread").waitFor();
  // The title follows the list.
  await bob.waitForFunction(() => document.title.startsWith("("));
  equal(await bob.title(), "(1) Talkwire");
  await open(bob, "alice");
  await message(bob, "Only you").waitFor();
  await alice.locator(".message").getByRole("img", { name: "Read" }).waitFor();
  await conversations(bob).getByTitle("1 unread").waitFor({ state: "detached" });
  await bob.waitForFunction(() => !document.title.startsWith("("));
  deepEqual(await messages(bob).allTextContents(), ["Only you"]);
  equal(await bob.title(), "Talkwire");

  await start(bob, ["alice", "carol"], "Plans");
  await opened(bob, "Plans");
  await open(alice, "Plans");
  equal(await alice.locator(".subtitle").textContent(), "3 members");
});

// The answer to one's own first message overtakes the event of another one, which is before it.
test("A first message that is overtaken is shown", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "New here" });
  const alice = await visitAs("alice");
  const late = [];
  await alice.routeWebSocket(/socket\.io/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) =>
      /"message:new".*From bob/.test(String(frame)) ? late.push(() => socket.send(frame)) : socket.send(frame),
    );
  });
  await alice.reload();
  await open(alice, "New here");
  await alice.locator(".nothing-said").waitFor();
  await post("messages", "bob", { conversationId: id, content: "From bob" });
  await say(alice, "From alice");
  await message(alice, "From alice").waitFor();
  for (const send of late) send();
  await message(alice, "From bob").waitFor();
  deepEqual(await messages(alice).allTextContents(), ["From bob", "From alice"]);
});

test("Messages are edited, answered, reacted to and deleted", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "test-conv");
  await open(bob, "test-conv");
  await say(alice, "frist");
  await composer(alice).fill("a draft");
  await act(alice, "frist", "Edit");
  await write(composer(alice), "first");
  await message(bob, "first").waitFor();
  equal(await composer(alice).inputValue(), "a draft");
  await composer(alice).fill("");
  await act(bob, "first", "React with 👍");
  await alice.getByRole("button", { name: "👍, 1" }).click();
  await alice.getByRole("button", { name: "👍, 2" }).waitFor();
  await bob.getByRole("button", { name: "👍, 2" }).click();
  await alice.getByRole("button", { name: "👍, 1" }).waitFor();
  await act(bob, "first", "Reply");
  await say(bob, "second");
  await message(alice, "second").waitFor();
  equal(await alice.locator(".quote").innerText(), "alice\nfirst");
  await act(alice, "first", "Delete");
  await alice.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await bob.locator(".gone").getByText("This message was deleted.").waitFor();
  // The reply quotes it as it is now.
  await bob.locator(".quote").getByText("This message was deleted.").waitFor();
  equal(await bob.locator(".edited").count(), 0);
});

test("A refused message says why and can be discarded", [], async () => {
  const alice = await visitAs("alice");
  await open(alice, "conv-456");
  await say(alice, "nothing \0 stores this");
  const reason = letters(alice).locator(".problem");
  await reason.waitFor();
  ok((await reason.textContent()).includes("Must not contain U+0000"));
  await alice.reload();
  await reason.getByRole("button", { name: "Try again" }).click();
  await reason.getByRole("button", { name: "Discard" }).click();
  await letters(alice).waitFor({ state: "detached" });
  await alice.getByRole("button", { name: "New conversation" }).click();
  await field(alice, "Find people by name or handle").fill("nobody");
  await alice.getByText("No one found").waitFor();
  await alice.keyboard.press("Escape");
  await alice.locator("dialog").waitFor({ state: "hidden" });
  await say(alice, "x".repeat(65_537));
  equal((await composer(alice).inputValue()).length, 65_537);
  equal(await alice.locator(".composer .problem:not(:empty)").textContent(), "This message is 1 character too long.");
});
