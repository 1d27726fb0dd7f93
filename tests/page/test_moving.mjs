// Getting to messages, and what is done with them besides talking.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  DEADLINE_MS,
  act,
  atEnd,
  call,
  composer,
  conversations,
  hover,
  ledTo,
  message,
  messages,
  open,
  pause,
  post,
  until,
  url,
  visitAs,
  write,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const TALK = "talk-123";
const focused = (page) => page.evaluate(() => document.activeElement?.closest("[data-id]")?.textContent ?? "");
const notice = (page) => page.locator(".notice p");

async function sendMany(conversationId, word, count) {
  const ids = [];
  for (let number = 1; number <= count; number++)
    ids.push((await post("messages", "bob", { conversationId, content: `${word} ${number}` })).id);
  return ids;
}

// How far the middle of a message is from that of the list, in pixels.
async function distance(page, content) {
  const middle = (locator) => locator.evaluate((it) => it.getBoundingClientRect().top + it.getBoundingClientRect().height / 2);
  return Math.abs((await middle(message(page, content))) - (await middle(page.locator(".scroller"))));
}

// Anyone who goes away while messages come has seen some of them; the page and the server agree on which.
test("Who leaves while messages come has read what they have seen", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Busy", memberIds: ["bob"] });
  await post("messages", "bob", { conversationId: id, content: "first" });
  const alice = await visitAs("alice");
  const shown = async () => Number((await conversations(alice).filter({ hasText: "Busy" }).locator(".count").allTextContents())[0] ?? 0);
  const stored = async () => (await call("GET", `conversations/${id}`, "alice")).unreadCount;
  for (let round = 0; round < 8; round++) {
    await open(alice, "Busy");
    await alice.locator(".scroller").evaluate((it) => (it.scrollTop = it.scrollHeight));
    await conversations(alice).filter({ hasText: "Busy" }).locator(".count").waitFor({ state: "detached" });
    const left = alice.evaluate((ms) => new Promise((done) => setTimeout(() => done((location.hash = "#/")), ms)), 3 * round);
    const sent = [1, 2, 3].map((number) => post("messages", "bob", { conversationId: id, content: `${round} ${number}` }));
    await Promise.all([left, ...sent]);
    const both = async () => [await shown(), await stored()];
    const agree = ([one, other]) => one === other;
    // The page reports what was seen in groups, a third of a second apart: they agree for longer than that.
    const lasting = await until(async () => {
      const before = await until(both, agree);
      await pause(500);
      return [before, await both()];
    }, (readings) => readings.every(agree));
    ok(lasting.every(agree), `round ${round}: ${JSON.stringify(lasting)}`);
  }
});

// Links to messages: in what is here, far back, gone, and of others.
test("A link leads to its message and on in both directions", [], async () => {
  const ids = await sendMany(TALK, "Message", 260);
  await post(`conversations/${TALK}/read`, "alice", {});
  const alice = await visitAs("alice", { path: `/#/conversation/${TALK}/${ids[99]}` });
  await message(alice, "Message 100").waitFor();
  await ledTo(alice, "Message 100");
  await alice.waitForFunction(() => document.activeElement?.matches("[data-id]"));
  // The list gets there in a few steps.
  const off = await until(() => distance(alice, "Message 100"), (pixels) => pixels < 60);
  ok((await focused(alice)).includes("Message 100"));
  ok(off < 60, "pixels from the middle");

  const scroller = alice.locator(".scroller");
  const scrollTo = async (content, by) => {
    for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; ) {
      if (await message(alice, content).isVisible()) return true;
      await scroller.evaluate((it, pixels) => (it.scrollTop += pixels), by);
      await alice.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    }
    return false;
  };
  equal(await scrollTo("Message 40", -400), true);
  equal(await scrollTo("Message 190", 400), true);
  for (let number = 1; number <= 3; number++)
    await post("messages", "bob", { conversationId: TALK, content: `Late ${number}` });
  const back = alice.getByRole("button", { name: "Jump to newest" });
  await back.getByTitle("3 unread").waitFor();
  await back.click();
  await message(alice, "Late 3").waitFor();
  await back.waitFor({ state: "detached" });
  await conversations(alice).getByTitle("3 unread").waitFor({ state: "detached" });
  equal(new URL(alice.url()).hash, "#/conversation/talk-123");

  const secret = await post("messages", "bob", { conversationId: TALK, content: "a secret" });
  const elsewhere = await post("messages", "carol", { conversationId: "general", content: "elsewhere" });
  await message(alice, "a secret").waitFor();
  await alice.goto(`${url}/#/conversation/${TALK}/${elsewhere.id}`);
  await notice(alice).waitFor();
  ok((await notice(alice).textContent()).includes("don't have access"));
  ok(await message(alice, "a secret").isVisible());

  await call("DELETE", `messages/${secret.id}`, "bob");
  await alice.locator(".gone").waitFor();
  await alice.goto(`${url}/#/conversation/${TALK}/${secret.id}`);
  await ledTo(alice, "This message was deleted.");
  await notice(alice).getByText("deleted").waitFor();
  equal(await notice(alice).textContent(), "This message was deleted.");
});

// However much is unread, a conversation opens where that begins, with one page.
test("A conversation opens where the unread begins", ["crowded_server"], async () => {
  await post("messages", "bob", { conversationId: "conv-456", content: "Read" });
  await post("conversations/conv-456/read", "alice", {});
  await sendMany("conv-456", "Unread", 180);
  const alice = await visitAs("alice");
  await conversations(alice).getByTitle("180 unread").waitFor();
  await open(alice, "conv-456");
  await message(alice, "Unread 1").waitFor();
  const nearTop = () => alice.locator(".unread-from").evaluate((it) => Math.abs(it.getBoundingClientRect().top - 150) < 150);
  await becomes(nearTop, true);
  const back = alice.getByRole("button", { name: "Jump to newest" });
  await back.locator(".count").waitFor();
  // What is on the screen is read.
  await conversations(alice).getByTitle("180 unread").waitFor({ state: "detached" });
  await back.click();
  await message(alice, "Unread 180").waitFor();
});

// A quote leads to what it quotes.
test("A quote leads to its message", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "test-conv");
  await open(bob, "test-conv");
  await write(composer(alice), "quotable");
  await act(bob, "quotable", "Reply");
  await write(composer(bob), "answer");
  const quote = alice.locator("button.quote");
  await quote.waitFor();
  deepEqual(await quote.allInnerTexts(), ["alice\nquotable"]);
  await quote.press("Enter");
  await ledTo(alice, "quotable");
  ok((await focused(alice)).includes("quotable"));
});

// Pins, forwards, earlier versions, who has seen it, and what is taken back only when one says so twice.
test("Messages are pinned, forwarded, looked up and deleted", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "general");
  await open(bob, "general");
  await write(composer(alice), "keep this");
  await message(bob, "keep this").waitFor();
  await act(alice, "keep this", "Pin");
  await bob.getByRole("button", { name: "1 pinned message" }).click();
  const pins = bob.getByRole("region", { name: "Pinned messages" });
  await pins.getByText("keep this").click();
  await ledTo(bob, "keep this");
  deepEqual(await bob.locator(".message .mark").allInnerTexts(), ["Pinned"]);
  // Until the page knows who bob is there, he might be anybody.
  await pins.getByRole("button", { name: "Unpin" }).waitFor({ state: "detached" });
  equal(await pins.getByRole("button", { name: "Unpin" }).count(), 0);
  await act(alice, "keep this", "Unpin");
  await pins.getByText("No pinned messages yet.").waitFor();

  await act(bob, "keep this", "Forward");
  const dialog = bob.getByRole("dialog", { name: "Forward message" });
  await dialog.getByLabel("Filter conversations").fill("conv");
  const offered = await dialog.locator("li").allInnerTexts();
  deepEqual(offered.map((each) => each.split("\n").at(-1)).sort(), ["conv-456", "test-conv"]);
  await dialog.getByLabel("test-conv").check();
  await dialog.getByLabel("conv-456").check();
  await dialog.getByRole("button", { name: "Forward to 2" }).click();
  await dialog.waitFor({ state: "detached" });
  await bob.locator(".toast").getByText(/^Forwarded to .*conv-456/).waitFor();
  await open(alice, "test-conv");
  await message(alice, "keep this").waitFor();
  const origin = alice.getByRole("button", { name: /^Forwarded/ });
  await origin.click();
  await ledTo(alice, "keep this");
  equal(new URL(alice.url()).hash.split("/")[2], "general");

  await act(alice, "keep this", "Edit");
  await write(composer(alice), "keep that");
  await message(bob, "keep that").waitFor();
  await bob.getByRole("button", { name: "edited" }).click();
  const history = bob.getByRole("dialog", { name: "Edit history" });
  await history.locator("li").nth(1).waitFor();
  deepEqual(await history.locator(".text").allInnerTexts(), ["keep that", "keep this"]);
  await bob.keyboard.press("Escape");
  await alice.getByRole("img", { name: "Delivered" }).or(alice.getByRole("img", { name: "Sent" })).first().waitFor();
  // The list of readers is loaded once, when it is opened.
  const id = await alice.locator(".message:not(.letter)").filter({ hasText: "keep that" }).getAttribute("data-id");
  const readers = async () => (await call("GET", `messages/${id}/receipts`, "alice")).items.filter((each) => each.readAt);
  await until(readers, (items) => items.some(({ userId }) => userId === "bob"));
  await act(alice, "keep that", "Seen by");
  const seen = alice.getByRole("dialog", { name: "Seen by" });
  await seen.getByRole("region", { name: "Read" }).getByText("bob").waitFor();
  await alice.keyboard.press("Escape");
  await seen.waitFor({ state: "detached" });

  await act(alice, "keep that", "Delete");
  const question = alice.getByRole("dialog", { name: "Delete this message?" });
  equal(await question.locator(".preview-says").textContent(), "keep that");
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "detached" });
  ok(await message(alice, "keep that").isVisible());
  await act(alice, "keep that", "Delete");
  await question.getByRole("button", { name: "Delete" }).click();
  await bob.locator(".gone").waitFor();
});

// What is copied is what was said, and a link that leads back to it.
test("Text and link of a message are copied", [], async () => {
  const alice = await visitAs("alice", { permissions: ["clipboard-read", "clipboard-write"] });
  await open(alice, "general");
  await write(composer(alice), "**copy** me");
  await message(alice, "copy me").or(alice.locator(".text").getByText("copy me")).first().waitFor();
  const copied = () => alice.evaluate(() => navigator.clipboard.readText());
  const more = async (name) => {
    const before = await copied();
    const at = alice.locator(".message:not(.letter)").filter({ hasText: "copy me" });
    await hover(at);
    await at.getByRole("button", { name: "More actions" }).click();
    await alice.getByRole("menuitem", { name, exact: true }).click();
    await alice.locator(".toast").filter({ hasText: "Copied." }).waitFor();
    // The second time, the page has said so already.
    return await until(copied, (text) => text !== before);
  };
  equal(await more("Copy text"), "**copy** me");
  const link = await more("Copy link");
  equal(link.replace(url, "").replace(/\d+$/, "ID"), "/#/conversation/general/ID");
  await alice.goto(`${url}/#/`);
  await alice.goto(link);
  await ledTo(alice, "copy me");
  // A link in a message leads there in the same tab.
  await open(alice, "test-conv");
  await write(composer(alice), link);
  await messages(alice).getByRole("link").last().click();
  await ledTo(alice, "copy me");
  equal(alice.context().pages().length, 1);
});

// What is at the middle of a list in the moment in which it has scrolled.
const pressedAfterScrolling = (list) =>
  list.evaluate(async (it) => {
    const scrolled = new Promise((done) => it.addEventListener("scroll", done, { once: true }));
    it.scrollTop += it.scrollTop > 100 ? -100 : 100;
    await scrolled;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const { left, top, width, height } = it.getBoundingClientRect();
    const at = document.elementFromPoint(left + width / 2, top + height / 2);
    return at.closest("li, .row") !== null;
  });

// Anyone who presses something in a list that has just scrolled means it.
test("What has just scrolled can be pressed", [], async () => {
  const groups = [];
  for (let number = 1; number <= 20; number++)
    groups.push(await post("conversations", "alice", { kind: "group", name: `Group ${number}`, memberIds: ["bob"] }));
  await sendMany(groups.at(-1).id, "Row", 40);
  await post(`conversations/${groups.at(-1).id}/read`, "alice", {});
  const alice = await visitAs("alice", { viewport: { width: 1100, height: 400 } });
  await open(alice, "Group 20");
  await message(alice, "Row 40").waitFor();
  await atEnd(alice);
  equal(await pressedAfterScrolling(alice.locator(".conversations")), true);
  equal(await pressedAfterScrolling(alice.locator(".scroller")), true);
});
