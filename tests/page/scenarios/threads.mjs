import { DEADLINE_MS, LOST, act, call, composer, message, open, opened, post, report, say, start, ledTo, visitAs, write } from "../browser.mjs";

const panel = (page) => page.locator(".panel[aria-label=Thread]");
const inThread = (page, content) => panel(page).locator(".message:not(.letter) .text").getByText(content, { exact: true });
const row = (page, content) => page.locator(".conversation .thread-row").filter({ hasText: content });

async function reply(page, content) {
  await write(composer(panel(page)), content);
}

// Two people talk in a thread beside their conversation; what they say and change there reaches both at once.
export async function thread() {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "test-conv");
  await open(bob, "test-conv");
  await say(alice, "root");
  await message(bob, "root").waitFor();
  await act(bob, "root", "Reply in thread");
  await reply(bob, "first reply");
  await alice.locator(".conversation").getByRole("button", { name: "1 reply", exact: true }).click();
  await inThread(alice, "first reply").waitFor();
  await reply(alice, "second reply");
  for (const page of [alice, bob]) await inThread(page, "second reply").waitFor();
  await bob.locator(".conversation").getByRole("button", { name: "2 replies", exact: true }).waitFor();
  report("talked", {
    alice: await panel(alice).locator(".message .text").allTextContents(),
    bob: await panel(bob).locator(".message .text").allTextContents(),
    among_messages: await alice.locator(".conversation .message .text").allTextContents(),
    rows: await row(alice, "reply").count(),
    stored: (await call("GET", "conversations/test-conv/messages", "bob")).items.map(({ threadId }) => typeof threadId),
  });

  await act(alice, "second reply", "Edit", panel(alice));
  await write(composer(panel(alice)), "2nd reply");
  await inThread(bob, "2nd reply").waitFor();
  await act(bob, "2nd reply", "React with 👍", panel(bob));
  await panel(alice).getByRole("button", { name: "👍, 1" }).waitFor();
  await act(alice, "2nd reply", "Delete", panel(alice));
  await alice.getByRole("dialog", { name: "Delete this message?" }).getByRole("button", { name: "Delete" }).click();
  await panel(bob).getByText("This message was deleted.").waitFor();
  await bob.locator(".conversation").getByRole("button", { name: "1 reply", exact: true }).waitFor();
  report("changed", { left: await panel(bob).locator(".message .text").allTextContents() });
}

// A draft waits in its thread, and what is written without a connection arrives in the thread.
export async function drafts() {
  const alice = await visitAs("alice", { expected: LOST });
  const ids = [];
  for (const content of ["one", "other"]) {
    ids.push((await post("messages", "bob", { conversationId: "conv-456", content })).id);
    await post("messages", "bob", { conversationId: "conv-456", content: `below ${content}`, threadId: ids.at(-1) });
  }
  await open(alice, "conv-456");
  await row(alice, "below one").click();
  await composer(panel(alice)).fill("for the one");
  await row(alice, "below other").click();
  await inThread(alice, "below other").waitFor();
  const other = await composer(panel(alice)).inputValue();
  await row(alice, "below one").click();
  await inThread(alice, "below one").waitFor();
  const one = await composer(panel(alice)).inputValue();
  const main = await composer(alice.locator(".conversation")).inputValue();
  await alice.context().setOffline(true);
  await alice.getByText("Reconnecting…").waitFor();
  await composer(panel(alice)).press("Enter");
  const letter = panel(alice).locator(".letter");
  await letter.getByText("for the one").waitFor();
  const elsewhere = await alice.locator(".conversation .letter").count();
  await alice.context().setOffline(false);
  await letter.waitFor({ state: "detached" });
  await inThread(alice, "for the one").waitFor();
  const { items } = await call("GET", `messages/${ids[0]}/thread`, "bob");
  report("kept", { drafts: { one, other, main }, elsewhere, replies: items.map(({ content }) => content) });
}

// Screens without room for both show the thread in the conversation's place.
export async function narrow() {
  const alice = await visitAs("alice", { viewport: { width: 320, height: 560 } });
  const root = await post("messages", "bob", { conversationId: "talk-123", content: "narrow root" });
  await post("messages", "bob", { conversationId: "talk-123", content: "narrow reply", threadId: root.id });
  await alice.goto(alice.url().replace(/#.*/, "") + "#/conversation/talk-123");
  await alice.locator(".thread-row").click();
  await inThread(alice, "narrow reply").waitFor();
  const width = await alice.evaluate(() => document.documentElement.scrollWidth);
  const hidden = !(await alice.locator("main.conversation").isVisible());
  await panel(alice).getByRole("button", { name: "Show in the conversation" }).click();
  await message(alice, "narrow root").waitFor();
  await ledTo(alice, "narrow root");
  report("narrow", { width, hidden, panels: await panel(alice).count() });
}

// More replies follow each other than a page of messages has: they are one row, and the reader gets past them.
export async function long() {
  const alice = await visitAs("alice");
  await start(alice, ["bob", "carol"], "Long thread");
  await opened(alice, "Long thread");
  const [{ id: conversationId }] = (await call("GET", "conversations", "alice")).items;
  const send = (content, threadId) => post("messages", "alice", { conversationId, content, threadId });
  const root = await send("root");
  for (let number = 1; number <= 60; number++) await send(`message ${number}`);
  for (let number = 1; number <= 120; number++) await send(`reply ${number}`, root.id);
  await send("afterwards");
  await message(alice, "afterwards").waitFor();
  await alice.reload();
  await message(alice, "afterwards").waitFor();
  await alice.locator(".conversation .scroller").hover();
  const first = message(alice, "root");
  for (const deadline = Date.now() + DEADLINE_MS; (await first.count()) === 0 && Date.now() < deadline; ) {
    await alice.mouse.wheel(0, -400);
    await alice.waitForTimeout(50);
  }
  await first.waitFor();
  await alice.locator(".conversation .to-newest").click();
  await message(alice, "afterwards").waitFor();
  const line = await alice.locator(".conversation .thread-row").last();
  report("read", { rows: await line.count(), says: (await line.innerText()).split("\n").slice(-4) });
}
