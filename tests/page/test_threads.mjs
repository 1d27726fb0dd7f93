// Threads beside their conversation.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  LOST,
  act,
  call,
  composer,
  enterAs,
  ledTo,
  listed,
  message,
  open,
  opened,
  post,
  say,
  slowly,
  start,
  until,
  visit,
  visitAs,
  write,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const panel = (page) => page.locator(".panel[aria-label=Thread]");
// A reply of one's own is in sight, also for anyone who has scrolled up in the thread.
test("One's own reply is in sight", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Long thread", memberIds: ["bob"] });
  const root = await post("messages", "bob", { conversationId: id, content: "Root of it" });
  for (let number = 1; number <= 40; number++)
    await post("messages", "bob", { conversationId: id, content: `Reply ${number}`, threadId: root.id });
  const alice = await visitAs("alice");
  await open(alice, "Long thread");
  await act(alice, "Root of it", "Reply in thread");
  await inThread(alice, "Reply 40").waitFor();
  await panel(alice).locator(".thread").evaluate((it) => (it.parentElement.scrollTop = 0));
  await write(panel(alice).getByRole("textbox"), "My own");
  const isInSight = () =>
    panel(alice).locator(".text").getByText("My own", { exact: true }).evaluate((it) => {
      const list = it.closest(".thread")?.parentElement.getBoundingClientRect();
      const own = it.getBoundingClientRect();
      // The stored message has just taken its place.
      if (list === undefined) return false;
      return own.top >= list.top && own.bottom <= list.bottom;
    });
  await becomes(isInSight, true);
});

const inThread = (page, content) => panel(page).locator(".message:not(.letter) .text").getByText(content, { exact: true });
const line = (page, count) =>
  page.locator(".conversation .replies").filter({
    has: page.locator(".reply-count").getByText(count === 1 ? "1 reply" : `${count} replies`, { exact: true }),
  });
const lineBelow = (page, content) => page.locator(".conversation .message").filter({ hasText: content }).locator(".replies");
const toEnd = (page) => panel(page).locator(".panel-content").evaluate((it) => it.scrollTo(0, it.scrollHeight));
const threadsButton = (page) => page.locator(".side-buttons").getByRole("button", { name: "Threads" });

async function reply(page, content) {
  await write(composer(panel(page)), content);
}

// Two people talk in a thread beside their conversation; what they say and change there reaches both at once.
test("Two users talk in a thread", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "test-conv");
  await open(bob, "test-conv");
  await say(alice, "root");
  await message(bob, "root").waitFor();
  await act(bob, "root", "Reply in thread");
  await reply(bob, "first reply");
  await line(alice, 1).click();
  await inThread(alice, "first reply").waitFor();
  await reply(alice, "second reply");
  for (const page of [alice, bob]) await inThread(page, "second reply").waitFor();
  for (const page of [alice, bob]) await line(page, 2).waitFor();
  deepEqual(await panel(alice).locator(".message .text").allTextContents(), ["root", "first reply", "second reply"]);
  deepEqual(await panel(bob).locator(".message .text").allTextContents(), ["root", "first reply", "second reply"]);
  deepEqual(await alice.locator(".conversation .message .text").allTextContents(), ["root"]);
  equal(await line(alice, 2).locator(".faces .avatar").count(), 2);
  deepEqual(
    (await call("GET", "conversations/test-conv/messages", "bob")).items.map(({ threadId }) => typeof threadId),
    ["undefined", "string", "string"],
  );

  await act(alice, "second reply", "Edit", panel(alice));
  await write(composer(panel(alice)), "2nd reply");
  await inThread(bob, "2nd reply").waitFor();
  await act(bob, "2nd reply", "React with 👍", panel(bob));
  await panel(alice).getByRole("button", { name: "👍, 1" }).waitFor();
  await act(alice, "2nd reply", "Delete", panel(alice));
  await alice.getByRole("dialog", { name: "Delete this message?" }).getByRole("button", { name: "Delete" }).click();
  await panel(bob).getByText("This message was deleted.").waitFor();
  await line(bob, 1).waitFor();
  deepEqual(await panel(bob).locator(".message .text").allTextContents(), ["root", "first reply"]);
});

// A draft waits in its thread, and what is written without a connection arrives in the thread.
test("A thread keeps its draft and what was written without a connection", [], async () => {
  const alice = await visitAs("alice", { expected: LOST });
  const ids = [];
  for (const content of ["one", "other"]) {
    ids.push((await post("messages", "bob", { conversationId: "conv-456", content })).id);
    await post("messages", "bob", { conversationId: "conv-456", content: `below ${content}`, threadId: ids.at(-1) });
  }
  await open(alice, "conv-456");
  await lineBelow(alice, "one").click();
  await composer(panel(alice)).fill("for the one");
  await lineBelow(alice, "other").click();
  await inThread(alice, "below other").waitFor();
  equal(await composer(panel(alice)).inputValue(), "");
  await lineBelow(alice, "one").click();
  await inThread(alice, "below one").waitFor();
  equal(await composer(panel(alice)).inputValue(), "for the one");
  equal(await composer(alice.locator(".conversation")).inputValue(), "");
  await alice.context().setOffline(true);
  await alice.getByText("Reconnecting…").waitFor();
  await composer(panel(alice)).press("Enter");
  const letter = panel(alice).locator(".letter");
  await letter.getByText("for the one").waitFor();
  equal(await alice.locator(".conversation .letter").count(), 0);
  await alice.context().setOffline(false);
  await letter.waitFor({ state: "detached" });
  await inThread(alice, "for the one").waitFor();
  const { items } = await call("GET", `messages/${ids[0]}/thread`, "bob");
  deepEqual(items.map(({ content }) => content), ["below one", "for the one"]);
});

// Screens without room for both show the thread in the conversation's place.
test("A thread takes the conversation's place on a narrow screen", [], async () => {
  const alice = await visitAs("alice", { viewport: { width: 320, height: 560 } });
  const root = await post("messages", "bob", { conversationId: "talk-123", content: "narrow root" });
  await post("messages", "bob", { conversationId: "talk-123", content: "narrow reply", threadId: root.id });
  await alice.goto(alice.url().replace(/#.*/, "") + "#/conversation/talk-123");
  await line(alice, 1).click();
  await inThread(alice, "narrow reply").waitFor();
  equal(await alice.evaluate(() => document.documentElement.scrollWidth), 320);
  ok(!(await alice.locator("main.conversation").isVisible()));
  await panel(alice).getByRole("button", { name: "Show in the conversation" }).click();
  await message(alice, "narrow root").waitFor();
  await ledTo(alice, "narrow root");
  equal(await panel(alice).count(), 0);
});

// A reply arrives while the unread messages are on their way to a reader with a slow network. It adds no row, and the
// reader sees everything.
test("A reply that arrives while a conversation opens is seen", [], async () => {
  const alice = await visitAs("alice", { at: await slowly(1_000) });
  const group = { kind: "group", memberIds: ["alice"], name: "Slow thread" };
  const { id: conversationId } = await post("conversations", "bob", group);
  const root = await post("messages", "bob", { conversationId, content: "root" });
  await listed(alice, "Slow thread").locator(".count").getByText("1").waitFor();
  await listed(alice, "Slow thread").click();
  await post("messages", "bob", { conversationId, content: "reply", threadId: root.id });
  await line(alice, 1).waitFor();
  const conversation = () => call("GET", `conversations/${conversationId}`, "alice");
  const { unreadCount } = await until(conversation, (now) => now.unreadCount === 0);
  equal(unreadCount, 0);
  equal(await alice.getByRole("button", { name: "Jump to newest" }).count(), 0);
});

// More replies than a page of messages has are one line at their root, however long the thread is.
test("A long thread is one line at its root", [], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Long thread");
  await opened(alice, "Long thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const send = (content, threadId) => post("messages", "alice", { conversationId, content, threadId });
  const root = await send("root");
  await send("between");
  for (let number = 1; number <= 120; number++) await send(`reply ${number}`, root.id);
  await send("afterwards");
  await message(alice, "afterwards").waitFor();
  await alice.reload();
  await message(alice, "afterwards").waitFor();
  await line(alice, 120).waitFor();
  deepEqual(await alice.locator(".conversation .message .text").allTextContents(), ["root", "between", "afterwards"]);
});

// Replies to a reader's messages: the line shows that they are unread, and so does the list of threads.
test("Twelve replies are one row and unread until the thread is open", ["crowded_server"], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Unread thread");
  await opened(alice, "Unread thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const root = await post("messages", "alice", { conversationId, content: "root" });
  for (let number = 1; number <= 12; number++)
    await post("messages", number % 2 ? "bob" : "carol", { conversationId, content: `reply ${number}`, threadId: root.id });
  await line(alice, 12).locator(".unread-dot").waitFor();
  await alice.getByRole("button", { name: /^Threads ?\d+ unread$/ }).waitFor();
  equal(await alice.locator(".conversation .message").count(), 1);
  await becomes(async () => (await call("GET", `conversations/${conversationId}`, "alice")).unreadCount, 0);
  await threadsButton(alice).click();
  const item = alice.getByRole("dialog", { name: "Threads" }).locator(".thread-item").filter({ hasText: "Unread thread" });
  await item.filter({ hasText: "12 unread replies" }).waitFor();
  await item.press("Enter");
  await inThread(alice, "reply 12").waitFor();
  await toEnd(alice);
  await line(alice, 12).locator(".unread-dot").waitFor({ state: "detached" });
  const place = await until(
    () => call("GET", `messages/${root.id}/thread`, "alice"),
    ({ unreadCount }) => unreadCount === 0,
  );
  equal(place.following, true);
  equal(place.unreadCount, 0);

  const other = await visit();
  const followed = other.waitForResponse((answer) => answer.url().includes("/threads?"));
  await enterAs(other, "alice");
  await (await followed).finished();
  await open(other, "Unread thread");
  await line(other, 12).waitFor();
  equal(await line(other, 12).locator(".unread-dot").count(), 0);
  await panel(alice).getByRole("button", { name: "Stop following this thread" }).click();
  await panel(alice).getByRole("button", { name: "Follow this thread" }).waitFor();
  await post("messages", "bob", { conversationId, content: "reply 13", threadId: root.id });
  await line(other, 13).waitFor();
  // The events of the thread come before this.
  await post("messages", "bob", { conversationId, content: "afterwards" });
  await message(other, "afterwards").waitFor();
  equal(await line(other, 13).locator(".unread-dot").count(), 0);
});

// Reading the conversation does not read a mention in a thread that nobody opened.
test("A mention in a thread that nobody opened stays in the bell", [], async () => {
  await post("notifications/read", "alice", { all: true });
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Mentioned in a thread");
  await opened(alice, "Mentioned in a thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const root = await post("messages", "alice", { conversationId, content: "root" });
  await post("messages", "bob", { conversationId, content: "@alice look", threadId: root.id });
  await post("messages", "bob", { conversationId, content: "@alice here" });
  await message(alice, "@alice here").waitFor();
  await until(
    async () => (await call("GET", `conversations/${conversationId}`, "alice")).unreadCount,
    (count) => count === 0,
  );
  const bell = (name) => alice.getByRole("button", { name, exact: true });
  await bell("Notifications, 1 unread").waitFor();
  await alice.reload();
  await bell("Notifications, 1 unread").click();
  await alice.getByRole("dialog", { name: "Notifications" }).getByRole("button", { name: /unread.*look/ }).click();
  await inThread(alice, "@alice look").waitFor();
  await bell("Notifications").waitFor();
  equal((await call("GET", "notifications", "alice")).unread, 0);
});

// A reply that arrives below what the reader looks at is read when they come to it.
test("A reply below what is seen is read at the end of the list", ["crowded_server"], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Deep thread");
  await opened(alice, "Deep thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const root = await post("messages", "alice", { conversationId, content: "root" });
  const answer = (number) => post("messages", "bob", { conversationId, content: `reply ${number}`, threadId: root.id });
  for (let number = 1; number <= 40; number++) await answer(number);
  const unreadCount = async () => (await call("GET", `messages/${root.id}/thread`, "alice")).unreadCount;
  await line(alice, 40).click();
  await inThread(alice, "reply 40").waitFor();
  await toEnd(alice);
  await until(unreadCount, (count) => count === 0);
  const list = panel(alice).locator(".thread").locator("..");
  await list.evaluate(async (it) => {
    it.scrollTo(0, 0);
    // The page receives it with the next frame.
    for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
  });
  await answer(41);
  await inThread(alice, "reply 41").waitFor({ state: "attached" });
  equal(await unreadCount(), 1);
  await toEnd(alice);
  await becomes(unreadCount, 0);
});

// A thread that opens at an early reply stays unread until its newest reply is in sight, also when it is open already.
test("A thread that opens at an early reply stays unread", ["crowded_server"], async () => {
  await post("notifications/read", "alice", { all: true });
  const { alice, id, ids } = await group("Thread with an early mention", 1, { author: "alice" });
  const answer = (content) => post("messages", "bob", { conversationId: id, content, threadId: ids[0] });
  const unreadCount = async () => (await call("GET", `messages/${ids[0]}/thread`, "alice")).unreadCount;
  await answer("@alice look");
  for (let number = 2; number <= 40; number++) await answer(number === 5 ? "@alice here" : `reply ${number}`);
  const toNewest = panel(alice).getByRole("button", { name: /^Jump to newest/ });
  const openAt = async (content) => {
    await alice.getByRole("button", { name: /^Notifications/ }).click();
    await alice.getByRole("dialog", { name: "Notifications" }).getByRole("button", { name: content }).click();
    await ledTo(alice, content);
    await toNewest.waitFor();
  };
  await openAt("@alice look");
  // What the page has sent comes before this.
  await answer("reply 41");
  await inThread(alice, "reply 41").waitFor({ state: "attached" });
  equal(await unreadCount(), 41);
  await openAt("@alice here");
  await answer("reply 42");
  await inThread(alice, "reply 42").waitFor({ state: "attached" });
  equal(await unreadCount(), 42);
  const says = await toNewest.innerText();
  equal(says.replace(/\s+/g, " "), "Jump to newest 42 42 unread");
  await toNewest.click();
  await becomes(unreadCount, 0);
  await toNewest.waitFor({ state: "detached" });
});

// A link to a reply opens the thread beside the conversation, also from another conversation and after a reload.
test("A link to a reply opens its thread", [], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Linked thread");
  await opened(alice, "Linked thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const send = (content, more = {}) => post("messages", "bob", { conversationId, content, ...more });
  const root = await send("root");
  const quoted = await send("the first reply", { threadId: root.id });
  for (let number = 2; number <= 60; number++) await send(`reply ${number}`, { threadId: root.id });
  await send("an answer", { threadId: root.id, replyToId: quoted.id });
  await open(alice, "general");
  await alice.goto(alice.url().replace(/#.*/, "") + `#/conversation/${conversationId}/${quoted.id}`);
  await inThread(alice, "the first reply").waitFor();
  await alice.locator(".conversation .message .text").getByText("root", { exact: true }).waitFor();
  const quote = panel(alice).locator(".quote");
  const before = await quote.innerText();
  ok(before.includes("the first reply"));
  await call("PATCH", `messages/${quoted.id}`, "bob", { content: "the changed reply" });
  await quote.filter({ hasText: "the changed reply" }).waitFor();
  equal(await alice.locator(".conversation .message").count(), 1);
  // The root's, which is that of all replies.
  deepEqual(await panel(alice).locator(".day").allTextContents(), ["today"]);
});

// What the line of a thread says about its last reply stays true while nothing else happens.
test("The time of the last reply follows the clock", [], async () => {
  const alice = await visitAs("alice", { clock: true, expected: LOST });
  await start(alice, ["bob", "carol"], "Slow thread");
  await opened(alice, "Slow thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const root = await post("messages", "alice", { conversationId, content: "root" });
  await post("messages", "bob", { conversationId, content: "reply", threadId: root.id });
  await line(alice, 1).getByText("last reply now").or(line(alice, 1).getByText(/last reply \d+ seconds? ago/)).waitFor();
  // Nothing that arrives renders the line again.
  await alice.context().setOffline(true);
  await alice.getByText("You're offline.").waitFor();
  await alice.clock.fastForward("05:30");
  equal(
    await until(() => line(alice, 1).locator("time").textContent(), (text) => text.includes("minutes")),
    "last reply 5 minutes ago",
  );
});

// A thread that was opened from the list of threads leads back to it.
test("A thread from the list leads back to it", [], async () => {
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Listed thread");
  await opened(alice, "Listed thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const root = await post("messages", "alice", { conversationId, content: "root" });
  await post("messages", "bob", { conversationId, content: "reply", threadId: root.id });
  await line(alice, 1).waitFor();
  const list = alice.getByRole("dialog", { name: "Threads" });
  const item = list.locator(".thread-item").filter({ hasText: "Listed thread" });
  await threadsButton(alice).click();
  await item.click();
  await panel(alice).getByRole("button", { name: "Back to threads" }).click();
  await item.waitFor();
  equal(await panel(alice).count(), 0);

  await alice.setViewportSize({ width: 390, height: 844 });
  await item.click();
  await inThread(alice, "reply").waitFor();
  await alice.goBack();
  await item.waitFor();
  equal(await panel(alice).count(), 0);

  // On a phone nothing is beside the list of conversations, which is below the list of threads.
  const phone = await visitAs("alice", { viewport: { width: 390, height: 844 } });
  await phone.getByRole("button", { name: "New conversation" }).waitFor();
  const address = phone.url();
  await threadsButton(phone).click();
  await phone.getByRole("dialog", { name: "Threads" }).locator(".thread-item").filter({ hasText: "Listed thread" }).click();
  await inThread(phone, "reply").waitFor();
  await phone.goBack();
  await phone.getByRole("dialog", { name: "Threads" }).waitFor();
  await phone.goBack();
  await phone.getByRole("dialog", { name: "Threads" }).waitFor({ state: "detached" });
  await phone.getByRole("button", { name: "New conversation" }).waitFor();
  equal(phone.url(), address);
});

// The list of threads counts the replies that arrive while it is on its way.
test("The list of threads counts a burst of replies", ["crowded_server"], async () => {
  const { alice, id, ids } = await group("Thread in a burst", 2, { author: "alice" });
  const answer = (content, threadId) => post("messages", "bob", { conversationId: id, content, threadId });
  const known = alice.waitForResponse((response) => response.url().includes("/threads?"));
  await answer("reply 1", ids[0]);
  await (await known).finished();
  await alice.route(
    "**/threads?**",
    async (route) => {
      const response = await route.fetch();
      for (let number = 2; number <= 41; number++) await answer(`reply ${number}`, ids[0]);
      await line(alice, 41).waitFor();
      await route.fulfill({ response });
    },
    { times: 1 },
  );
  // The list does not know of this thread.
  await answer("beside", ids[1]);
  await line(alice, 41).waitFor();
  await threadsButton(alice).click();
  const items = alice.getByRole("dialog", { name: "Threads" }).locator(".thread-item");
  const item = items.filter({ hasText: "Thread in a burst" }).filter({ hasText: "message 1" });
  await item.getByText("41 unread replies").waitFor();
  const says = await until(() => item.locator(".thread-replies").textContent(), (text) => text.includes("41 replies"));
  ok(says.includes("41 replies"));
});

// A reply in a thread that nobody follows counts in the list. The conversation says where it is, and leads there.
test("Unread replies are announced where their conversation opens", [], async () => {
  const { id: conversationId } = await post("conversations", "bob", {
    kind: "group",
    name: "Replies only",
    memberIds: ["alice", "carol"],
  });
  const root = await post("messages", "bob", { conversationId, content: "root of it" });
  const before = await visitAs("alice");
  await open(before, "Replies only");
  await message(before, "root of it").waitFor();
  await until(async () => (await call("GET", `conversations/${conversationId}`, "alice")).unreadCount, (count) => count === 0);
  await before.close();
  for (const number of [1, 2])
    await post("messages", "carol", { conversationId, content: `unseen reply ${number}`, threadId: root.id });

  const alice = await visitAs("alice");
  await open(alice, "Replies only");
  const says = alice.locator(".unread-replies");
  const text = await says.innerText();
  equal(text.replace(/\s+/g, " "), "2 new replies in a thread unseen reply 2");
  await says.click();
  await inThread(alice, "unseen reply 2").waitFor();
  await says.waitFor({ state: "detached" });
});

// The line counts all unread replies, also those that arrive later, and stays until the thread is read to its end.
test("The line of many unread replies counts all of them until they are read", ["crowded_server"], async () => {
  const { alice, id, ids } = await group("Many replies", 1, { author: "alice" });
  await open(alice, "general");
  const answer = (number) => post("messages", "bob", { conversationId: id, content: `reply ${number}`, threadId: ids[0] });
  for (let number = 1; number <= 150; number++) await answer(number);
  await listed(alice, "Many replies").locator(".count").getByText(/^(150|99\+)$/).first().waitFor();
  await open(alice, "Many replies");
  const says = alice.locator(".unread-replies");
  const text = async () => (await says.innerText()).replace(/\s+/g, " ");
  equal(await text(), "150 new replies in a thread reply 150");
  await answer(151);
  await says.getByText("reply 151").waitFor();
  equal(await text(), "151 new replies in a thread reply 151");
  await says.click();
  await panel(alice).locator(".unread-from").waitFor();
  equal(await panel(alice).locator("li:has(.unread-from) .message .text").textContent(), "reply 1");
  await panel(alice).getByRole("button", { name: /^Jump to newest/ }).click();
  await says.waitFor({ state: "detached" });
});

// A group in which `author` has written `count` messages, open in alice's page; their ids, and the group's.
async function group(name, count, { author = "bob", ...options } = {}) {
  const { id } = await post("conversations", "alice", { kind: "group", name, memberIds: ["bob"] });
  const ids = [];
  for (let number = 1; number <= count; number++)
    ids.push((await post("messages", author, { conversationId: id, content: `message ${number}` })).id);
  const alice = await visitAs("alice", options);
  await open(alice, name);
  await message(alice, `message ${count}`).waitFor();
  return { alice, id, ids };
}

const isFocused = (locator) => locator.evaluate((it) => it === document.activeElement);

// A draft in a thread without replies is found at its message, in the row of the conversation and in the list of threads.
test("A draft in a thread is found again", [], async () => {
  const { alice, id, ids } = await group("Drafted thread", 2);
  await post("messages", "alice", { conversationId: id, content: "reply", threadId: ids[0] });
  await line(alice, 1).waitFor();
  await act(alice, "message 2", "Reply in thread");
  await composer(panel(alice)).fill("not finished");
  await composer(panel(alice)).press("Escape");
  await panel(alice).waitFor({ state: "detached" });
  const chip = lineBelow(alice, "message 2");
  await chip.getByText("Draft in thread").waitFor();
  equal(await listed(alice, "Drafted thread").locator(".last").textContent(), "Draft in a thread");
  await alice.reload();
  await chip.getByText("Draft in thread").waitFor();
  await threadsButton(alice).click();
  const items = alice.getByRole("dialog", { name: "Threads" }).locator(".thread-item").filter({ hasText: "Drafted thread" });
  await items.nth(1).waitFor();
  deepEqual(await items.evaluateAll((all) => all.map((it) => it.querySelector(".draft")?.textContent ?? "")), [
    "Draft",
    "",
  ]);
  await items.first().click();
  equal(await composer(panel(alice)).inputValue(), "not finished");
  await composer(panel(alice)).fill("");
  await chip.waitFor({ state: "detached" });
});

// A reply whose thread was deleted meanwhile says so at the root and in the list of conversations, before any draft, and
// can be sent to the conversation; nobody can write in the thread any more.
test("A reply in a deleted thread is found and sent to the conversation", [], async () => {
  const { alice, id, ids } = await group("Deleted thread", 2, { expected: LOST });
  await act(alice, "message 2", "Reply in thread");
  await composer(panel(alice)).waitFor();
  await alice.context().setOffline(true);
  await alice.locator(".connection").waitFor();
  await write(composer(panel(alice)), "too late");
  await panel(alice).locator(".letter").waitFor();
  await panel(alice).getByRole("button", { name: "Close" }).click();
  const chip = lineBelow(alice, "message 2");
  await chip.getByText("Waiting").waitFor();
  await composer(alice.locator(".conversation")).fill("something else");
  await call("DELETE", `messages/${ids[1]}`, "bob");
  await alice.context().setOffline(false);
  const gone = alice.locator(".conversation .message").filter({ hasText: "This message was deleted" });
  await gone.locator(".replies").getByText("Not sent").waitFor();
  equal(
    await listed(alice, "Deleted thread").locator(".last").textContent(),
    "Not sent: The first message of this thread was deleted.",
  );
  await alice.reload();
  await gone.locator(".replies").getByText("Not sent").click();
  const refused = panel(alice).getByRole("alert").filter({ hasText: "too late" }).or(panel(alice).locator(".problem"));
  equal(
    await refused.first().textContent(),
    "Not sent: The first message of this thread was deleted. Send to the conversationDiscard",
  );
  equal(await panel(alice).locator(".composer").count(), 0);
  await panel(alice).getByRole("button", { name: "Send to the conversation" }).click();
  await until(async () => (await call("GET", `conversations/${id}/messages`, "bob")).items, (all) =>
    all.some(({ content, threadId }) => content === "too late" && threadId === undefined),
  );
  await gone.locator(".replies").waitFor({ state: "detached" });
});

// The draft of a thread that was deleted can be discarded, and until a toast goes taken back.
test("A draft in a deleted thread can be discarded", [], async () => {
  const { alice, ids } = await group("Draft without a thread", 2);
  await act(alice, "message 2", "Reply in thread");
  await composer(panel(alice)).fill("never sent");
  const row = listed(alice, "Draft without a thread").locator(".last");
  await row.getByText("Draft in a thread").waitFor();
  await call("DELETE", `messages/${ids[1]}`, "bob");
  const kept = panel(alice).locator(".kept-draft");
  await kept.getByText("never sent").waitFor();
  const discard = async () => {
    await kept.getByRole("button", { name: "Discard" }).click();
    await kept.waitFor({ state: "detached" });
    await row.getByText("Draft in a thread").waitFor({ state: "detached" });
  };
  await discard();
  await alice.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await kept.getByText("never sent").waitFor();
  await row.getByText("Draft in a thread").waitFor();
  await discard();
  await alice.reload();
  await panel(alice).getByText("The first message of this thread was deleted.").waitFor();
  await message(alice, "message 1").waitFor();
  equal((await row.textContent()).includes("Draft"), false);
  equal(await alice.locator(".replies .draft").count(), 0);
});

// Unread replies are below a line, which is in sight and stays when they are read.
test("Unread replies are below a line that stays", ["crowded_server"], async () => {
  const { alice, id, ids } = await group("Thread with a line", 1);
  const answer = (number) => post("messages", "bob", { conversationId: id, content: `reply ${number}`, threadId: ids[0] });
  const unreadCount = async () => (await call("GET", `messages/${ids[0]}/thread`, "alice")).unreadCount;
  await post("messages", "alice", { conversationId: id, content: "own", threadId: ids[0] });
  for (let number = 1; number <= 10; number++) await answer(number);
  await line(alice, 11).click();
  await inThread(alice, "reply 10").waitFor();
  await toEnd(alice);
  await until(unreadCount, (count) => count === 0);
  await panel(alice).getByRole("button", { name: "Close" }).click();
  for (let number = 11; number <= 40; number++) await answer(number);
  await line(alice, 41).click();
  const divider = panel(alice).locator(".unread-from");
  await divider.waitFor();
  const isInSight = () =>
    divider.evaluate((it) => {
      const frame = it.closest(".panel-content").getBoundingClientRect();
      const { top, bottom } = it.getBoundingClientRect();
      return top >= frame.top - 1 && bottom <= frame.bottom + 1;
    });
  await becomes(isInSight, true);
  equal(await unreadCount(), 30);
  equal(await divider.locator("..").locator(".message .text").textContent(), "reply 11");
  await toEnd(alice);
  await becomes(unreadCount, 0);
  await answer(41);
  await inThread(alice, "reply 41").waitFor();
  deepEqual(await divider.allTextContents(), ["New"]);
});

// Replies in threads are in no row: a conversation that is all in sight is not said to be marked as read beyond the screen.
test("Unread replies are not called messages beyond the screen", ["crowded_server"], async () => {
  const { alice, id, ids } = await group("Only replies", 1, { author: "alice" });
  await post("conversations", "alice", { kind: "group", name: "Beside only replies", memberIds: ["bob"] });
  await open(alice, "Beside only replies");
  for (let number = 1; number <= 30; number++)
    await post("messages", "bob", { conversationId: id, content: `reply ${number}`, threadId: ids[0] });
  await listed(alice, "Only replies").locator(".count").getByText("30").waitFor();
  await open(alice, "Only replies");
  await listed(alice, "Only replies").locator(".count").waitFor({ state: "detached" });
  const toasts = await alice.locator(".toast").allTextContents();
  deepEqual(toasts.filter(Boolean), []);
});

// More unread replies than a page has stay unread until the reader comes to their end: also when the thread is opened
// again, and after a reload.
test("More unread replies than a page has stay unread", ["crowded_server"], async () => {
  const { alice, id, ids } = await group("Thread with two pages", 1, { author: "alice" });
  for (let number = 1; number <= 80; number++)
    await post("messages", "bob", { conversationId: id, content: `reply ${number}`, threadId: ids[0] });
  const unreadCount = async () => (await call("GET", `messages/${ids[0]}/thread`, "alice")).unreadCount;
  const seen = [];
  const see = async () => {
    const divider = panel(alice).locator(".unread-from");
    await divider.waitFor();
    await panel(alice).getByRole("button", { name: /^Jump to newest/ }).waitFor();
    const below = await divider.locator("..").locator(".message .text").textContent();
    seen.push([below, await unreadCount()]);
  };
  await line(alice, 80).click();
  await see();
  await panel(alice).getByRole("button", { name: "Close" }).click();
  await line(alice, 80).click();
  await see();
  await alice.reload();
  await see();
  await toEnd(alice);
  deepEqual(seen, [["reply 1", 80], ["reply 1", 80], ["reply 1", 80]]);
  await becomes(unreadCount, 0);
});

// Who reads the conversation has not read its threads: a reply has no ticks, and does not say who has seen it. The thread's
// first message has them, and a reply that waits has a clock.
test("A sent reply has no ticks because who read it is unknown", [], async () => {
  const { alice, id, ids } = await group("Thread that nobody opens", 1, { author: "alice", expected: LOST });
  const bob = await visitAs("bob");
  await open(bob, "Thread that nobody opens");
  await message(bob, "message 1").waitFor();
  await post("messages", "alice", { conversationId: id, content: "a reply", threadId: ids[0] });
  await line(bob, 1).waitFor();
  await post("messages", "alice", { conversationId: id, content: "afterwards" });
  const row = (content) => alice.locator(".conversation .message").filter({ hasText: content });
  await row("afterwards").getByRole("img", { name: "Read" }).waitFor();
  await line(alice, 1).click();
  await inThread(alice, "a reply").waitFor();
  const reply = panel(alice).locator(".message").filter({ hasText: "a reply" });
  const ticksIn = (within) => within.locator(".tick").evaluateAll((all) => all.map((it) => it.ariaLabel));
  const root = panel(alice).locator(".message").filter({ hasText: "message 1" });
  const ticks = { root: await ticksIn(root), reply: await ticksIn(reply) };
  const menuOf = async (of) => {
    await of.click({ button: "right" });
    await alice.getByRole("menuitem", { name: "Copy text" }).waitFor();
    const found = await alice.getByRole("menuitem", { name: "Seen by" }).count();
    await alice.keyboard.press("Escape");
    await alice.getByRole("menuitem", { name: "Copy text" }).waitFor({ state: "detached" });
    return found;
  };
  const seenBy = [await menuOf(reply), await menuOf(row("afterwards"))];
  await alice.context().setOffline(true);
  await alice.getByText("Reconnecting…").waitFor();
  await write(composer(panel(alice)), "a reply that waits");
  const letter = panel(alice).locator(".letter");
  await letter.waitFor();
  deepEqual(
    { ...ticks, waiting: await ticksIn(letter), seenBy },
    { root: ["Read"], reply: [], waiting: ["Waiting for the connection"], seenBy: [0, 1] },
  );
});

// Every button of the toolbar is in sight, in the composers of a thread and of a narrow conversation.
test("The toolbar fits into each composer", [], async () => {
  const { alice } = await group("Thread with a toolbar", 1, { viewport: { width: 1440, height: 800 } });
  await alice.locator(".conversation").getByRole("button", { name: "Formatting" }).click();
  await act(alice, "message 1", "Reply in thread");
  const hidden = (within) =>
    within.getByRole("toolbar", { name: "Formatting" }).locator("button").evaluateAll((all) =>
      all
        .filter((it) => {
          const { left, right, top, bottom } = it.getBoundingClientRect();
          const isAt = (x, y) => it.contains(document.elementFromPoint(x, y));
          return !isAt(left + 2, (top + bottom) / 2) || !isAt(right - 2, (top + bottom) / 2);
        })
        .map((it) => it.getAttribute("aria-label")),
    );
  await panel(alice).getByRole("toolbar", { name: "Formatting" }).waitFor();
  const found = { wide: await hidden(panel(alice)) };
  await alice.setViewportSize({ width: 1024, height: 700 });
  found.medium = await hidden(panel(alice));
  await panel(alice).getByRole("button", { name: "Close" }).first().click();
  await alice.setViewportSize({ width: 320, height: 640 });
  found.narrow = await hidden(alice.locator(".conversation"));
  deepEqual(found, { wide: [], medium: [], narrow: [] });
});

// The two lines of the thread's header are as high as those of the conversation's beside it.
test("The header of a thread is level with the conversation's", [], async () => {
  const { alice } = await group("Thread with a header", 1);
  await act(alice, "message 1", "Reply in thread");
  const middle = (selector) =>
    alice.locator(selector).evaluate((it) => {
      const text = document.createRange();
      text.selectNodeContents(it);
      const { top, bottom } = text.getBoundingClientRect();
      return (top + bottom) / 2;
    });
  const isLevel = async (one, other) => Math.abs((await middle(one)) - (await middle(other))) <= 1;
  ok(await isLevel(".conversation > header h1 button", ".panel > header h2"));
  ok(await isLevel(".conversation > header .subtitle", ".panel-place > bdi"));
});

// The focus returns to the composer, or to the chip that opened the thread.
test("A closed thread returns the focus", [], async () => {
  const { alice, id, ids } = await group("Thread with a focus", 2);
  await act(alice, "message 1", "Reply in thread");
  await until(() => isFocused(composer(panel(alice))), Boolean);
  // The button that opened the thread goes with the pointer.
  await composer(panel(alice)).hover();
  await alice.keyboard.press("Escape");
  await panel(alice).waitFor({ state: "detached" });
  const own = composer(alice.locator(".conversation"));
  await until(() => alice.evaluate(() => document.activeElement !== document.body), Boolean);
  ok(await isFocused(own));
  await act(alice, "message 1", "Reply in thread");
  await post("messages", "bob", { conversationId: id, content: "reply", threadId: ids[0] });
  await inThread(alice, "reply").waitFor();
  await composer(panel(alice)).hover();
  await composer(panel(alice)).press("Escape");
  await panel(alice).waitFor({ state: "detached" });
  await until(() => alice.evaluate(() => document.activeElement !== document.body), Boolean);
  ok(await isFocused(line(alice, 1)));
});

// A thread that is opened without a connection says in one calm line that its replies come later, if it has any.
test("A thread without a connection says so calmly", [], async () => {
  const { alice, id, ids } = await group("Thread without a connection", 2, { expected: LOST });
  await alice.setViewportSize({ width: 1600, height: 800 });
  await post("messages", "bob", { conversationId: id, content: "reply", threadId: ids[0] });
  // Loads the code of threads.
  await line(alice, 1).click();
  await inThread(alice, "reply").waitFor();
  await panel(alice).getByRole("button", { name: "Close" }).click();
  // A menu is a part of the page too.
  await message(alice, "message 2").click({ button: "right" });
  await alice.getByRole("menuitem", { name: "Reply in thread", exact: true }).waitFor();
  await alice.keyboard.press("Escape");
  await alice.context().setOffline(true);
  await alice.getByText("You're offline.").waitFor();
  await line(alice, 1).click();
  const note = panel(alice).getByText("They come as soon as the server can be reached again.");
  const alert = panel(alice).getByRole("alert").filter({ hasText: /./ });
  await note.or(alert).first().waitFor();
  deepEqual([await note.count(), await alert.count()], [1, 0]);
  await act(alice, "message 2", "Reply in thread");
  await inThread(alice, "message 2").waitFor();
  await write(composer(panel(alice)), "for later");
  await panel(alice).locator(".letter").waitFor();
  deepEqual([await note.count(), await alert.count(), await panel(alice).getByText("0 replies").count()], [0, 0, 0]);
  await alice.context().setOffline(false);
  await inThread(alice, "for later").waitFor();
  equal(await note.or(alert).count(), 0);
});

// A thread that is opened from the list shows its root in the conversation too, and the focus is in the thread.
test("A thread from the list shows its root in the conversation", [], async () => {
  const { alice, id, ids } = await group("Thread far above", 60, { author: "alice", viewport: { width: 1440, height: 800 } });
  await post("messages", "alice", { conversationId: id, content: "reply", threadId: ids[0] });
  await threadsButton(alice).click();
  const list = alice.getByRole("dialog", { name: "Threads" });
  const item = list.locator(".thread-item").filter({ hasText: "Thread far above" });
  equal(await item.locator(".thread-root").textContent(), "You: message 1");
  await item.click();
  await inThread(alice, "reply").waitFor();
  const root = alice.locator(".conversation .message").filter({ hasText: "message 1" }).first();
  await ledTo(alice, "message 1");
  equal(
    await root.evaluate((it) => {
      const frame = it.closest(".scroller").getBoundingClientRect();
      const { top, bottom } = it.getBoundingClientRect();
      return bottom > frame.top && top < frame.bottom;
    }),
    true,
  );
  await becomes(() => isFocused(composer(panel(alice))), true);
});

// A reload opens the thread again, unless the reader has left the conversation.
test("An open thread outlives a reload", [], async () => {
  await post("conversations", "alice", { kind: "group", name: "Another place", memberIds: ["bob"] });
  const { alice } = await group("Thread through a reload", 1);
  await act(alice, "message 1", "Reply in thread");
  await inThread(alice, "message 1").waitFor();
  await alice.reload();
  await message(alice, "message 1").first().waitFor();
  await inThread(alice, "message 1").waitFor();
  await open(alice, "Another place");
  await open(alice, "Thread through a reload");
  await alice.reload();
  await message(alice, "message 1").waitFor();
  equal(await panel(alice).count(), 0);
  await act(alice, "message 1", "Reply in thread");
  await panel(alice).getByRole("button", { name: "Close" }).click();
  await alice.reload();
  await message(alice, "message 1").waitFor();
  equal(await panel(alice).count(), 0);
});
