// A conversation with many messages.
import { ok } from "node:assert/strict";
import { atEnd, conversations, message, messages, open, post, url, visitAs } from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

async function send(content) {
  await post("messages", "bob", { conversationId: "talk-123", content });
}

async function sendMany(word, count) {
  for (let number = 1; number <= count; number++) await send(`${word} ${number}`);
}

// By how many pixels a message moves after that. Anyone who has stopped scrolling sees one that stays where it is
// while the page above it is loaded.
async function scrollUp(page) {
  return await page.locator(".scroller").evaluate(async (it) => {
    const waitForFrames = async (count) => {
      for (let frames = 0; frames < count; frames++) await new Promise(requestAnimationFrame);
    };
    it.scrollTop = Math.max(it.scrollTop - 500, 1);
    await waitForFrames(3);
    const seen = [...it.querySelectorAll(".message")].find((each) => each.getBoundingClientRect().top > 100);
    if (seen === undefined) {
      const { isConnected, scrollTop, scrollHeight } = it;
      const rows = [...it.querySelectorAll(".row")].map((row) => Math.round(row.getBoundingClientRect().top));
      throw new Error(`no message in sight: ${JSON.stringify({ isConnected, scrollTop, scrollHeight, rows })}`);
    }
    const before = seen.getBoundingClientRect().top;
    await waitForFrames(10);
    return seen.isConnected ? seen.getBoundingClientRect().top - before : 0;
  });
}

// What is out of sight is not in the document, and what is loaded above moves nothing.
test("A long history is read back and nothing moves", [], async () => {
  await sendMany("Message", 400);
  await post("conversations/talk-123/read", "alice", {});
  const alice = await visitAs("alice", { path: "/#/conversation/talk-123" });
  await message(alice, "Message 400").waitFor();
  await atEnd(alice);
  const newest = alice.getByRole("button", { name: "Jump to newest" });
  ok((await messages(alice).count()) > 0);
  for (let tries = 0; tries < 400 && !(await message(alice, "Message 1").isVisible()); tries++) {
    const count = await messages(alice).count();
    ok(count < 100, `${count} messages in the document at once`);
    const moved = await scrollUp(alice);
    ok(Math.abs(moved) <= 2, `a message jumped by ${moved} pixels`);
  }
  await message(alice, "Message 1").waitFor();
  await newest.click();
  await message(alice, "Message 400").waitFor();
  // Until it knows that it is at the end, the list may still be on its way there.
  await newest.waitFor({ state: "detached" });
  await atEnd(alice);
  await alice.locator(".scroller").evaluate((it) => (it.scrollTop -= 1500));
  await newest.waitFor();
  await send("Newest");
  await conversations(alice).getByText("bob: Newest").waitFor();
  ok(await newest.isVisible());
  await newest.click();
  await message(alice, "Newest").waitFor();
  await alice.goto(`${url}/#/`);
  // What comes before the conversation is closed has been seen.
  await alice.locator(".nothing").waitFor();
  await sendMany("Unread", 120);
  await conversations(alice).getByTitle("120 unread").waitFor();
  await open(alice, "talk-123");
  await alice.locator(".unread-from").waitFor();
  await message(alice, "Unread 1").waitFor();
  const isNearTop = (it) => Math.abs(it.getBoundingClientRect().top - 150) < 150;
  await becomes(() => alice.locator(".unread-from").evaluate(isNearTop), true);
});
