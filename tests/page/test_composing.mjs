// Writing: names and emoji that are completed, keys, and where nothing may be written.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  act,
  call,
  composer,
  conversations,
  enterAs,
  hover,
  listed,
  message,
  messages,
  open,
  opened,
  post,
  say,
  until,
  visit,
  visitAs,
  write,
} from "./browser.mjs";
import { test } from "./scenario_tests.mjs";

const gather = (name, memberIds) => post("conversations", "alice", { kind: "group", name, memberIds });
// What is in the field, once that is the wanted text: it changes a moment after the line above it.
const written = (page, wanted) => until(() => composer(page).inputValue(), (text) => text === wanted);
const offered = (page) => page.getByRole("option");
const active = (page) =>
  composer(page).evaluate((field) => document.getElementById(field.getAttribute("aria-activedescendant") ?? "")?.textContent);

// Names are completed by keys and by the pointer; what is sent is recognised, and stands out for whom it names.
test("Mentions are completed and stand out", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await gather("Mentions", ["bob", "carol"]);
  await open(alice, "Mentions");
  await open(bob, "Mentions");
  await composer(alice).pressSequentially("Hello @");
  await offered(alice).nth(3).waitFor();
  deepEqual(await offered(alice).allTextContents(), ["Aalice", "Bbob", "Ccarol", "@allNotify everyone"]);
  equal(await active(alice), "Aalice");
  await alice.keyboard.press("ArrowDown");
  equal(await active(alice), "Bbob");
  await alice.keyboard.press("Escape");
  await offered(alice).first().waitFor({ state: "detached" });
  await composer(alice).pressSequentially("b");
  equal(await offered(alice).count(), 0);
  // Another `@` in the same place begins another word.
  await composer(alice).fill("");
  await composer(alice).pressSequentially("@");
  await offered(alice).first().waitFor();
  await alice.keyboard.press("Escape");
  await composer(alice).pressSequentially("b");
  await composer(alice).press("Control+a");
  await composer(alice).pressSequentially("@");
  await offered(alice).first().waitFor();
  await alice.keyboard.press("Escape");
  await composer(alice).fill("");
  await composer(alice).pressSequentially("Hello @bo");
  await offered(alice).getByText("bob").waitFor();
  await alice.keyboard.press("Enter");
  await composer(alice).pressSequentially("and @car");
  await offered(alice).getByText("carol").click();
  await composer(alice).pressSequentially("but not `@bob`");
  equal(await composer(alice).inputValue(), "Hello @bob and @carol but not `@bob`");
  await alice.keyboard.press("Enter");
  const posted = bob.locator(".message").filter({ hasText: "but not" });
  await posted.locator(".mention.mine").waitFor();
  deepEqual(await posted.locator(".mention").allTextContents(), ["@bob", "@carol"]);
  deepEqual(await posted.locator(".mention.mine").allTextContents(), ["@bob"]);
  equal(await posted.locator("code").textContent(), "@bob");
  await composer(alice).pressSequentially("@al");
  await offered(alice).filter({ hasText: "@all" }).click();
  await alice.keyboard.press("Enter");
  await bob.locator(".mention.mine").filter({ hasText: "@all" }).waitFor();
});

// Who was mentioned and is not a member any more is still marked with their whole name, also after a reload.
test("A mention of somebody who has left stays whole", [], async () => {
  await call("PATCH", "users/me", "tomas", { name: "Tomas Reyes" });
  const { id } = await gather("Mentioned before", ["tomas"]);
  const alice = await visitAs("alice");
  await open(alice, "Mentioned before");
  await say(alice, "@Tomas Reyes urgent");
  const marked = (wanted) => until(() => alice.locator(".mention").allTextContents(), (all) => all[0] === wanted);
  await marked("@Tomas Reyes");
  await call("DELETE", `conversations/${id}/members/tomas`, "alice");
  await alice.locator(".notice-line").filter({ hasText: "removed Tomas Reyes" }).waitFor();
  deepEqual(await marked("@Tomas Reyes"), ["@Tomas Reyes"]);
  await alice.reload();
  deepEqual(await marked("@Tomas Reyes"), ["@Tomas Reyes"]);
});

// Short codes and the picker, in a text and as reactions; what was used is at hand later.
test("Emoji are completed and picked", [], async () => {
  const alice = await visitAs("alice");
  await gather("Emoji", ["bob"]);
  await open(alice, "Emoji");
  await composer(alice).pressSequentially("Up :rocke");
  await offered(alice).filter({ hasText: ":rocket:" }).waitFor();
  await alice.keyboard.press("Tab");
  equal(await composer(alice).inputValue(), "Up 🚀 ");
  await alice.locator(".composer").getByRole("button", { name: "Emoji", exact: true }).click();
  const picker = alice.getByRole("dialog", { name: "Emoji" });
  await picker.getByRole("searchbox").fill("tada");
  // It marks the first one once the search is over, and draws others in the same places before.
  await picker.locator("[role=gridcell][data-active]").filter({ hasText: "🎉" }).click();
  await picker.waitFor({ state: "detached" });
  await alice.locator(".composer textarea:focus").waitFor();
  equal(await composer(alice).inputValue(), "Up 🚀 🎉");
  equal(await composer(alice).evaluate((it) => it === document.activeElement), true);
  await alice.keyboard.press("Enter");
  await message(alice, "Up 🚀 🎉").waitFor();
  await act(alice, "Up 🚀 🎉", "Add reaction");
  const reactions = alice.getByRole("dialog", { name: "Add reaction" });
  await reactions.getByRole("group", { name: "Recently used" }).getByRole("button", { name: "🎉" }).click();
  await alice.getByRole("button", { name: "🎉, 1" }).waitFor();
  await alice.reload();
  await alice.locator(".reactions").getByRole("button", { name: "Add reaction" }).click();
  await reactions.getByRole("group", { name: "Recently used" }).getByRole("button", { name: "🎉" }).waitFor();
  await alice.keyboard.press("Escape");
  await reactions.waitFor({ state: "detached" });
});

// How long the server takes somebody for typing who says nothing more.
const TYPING_LASTS_MS = 5_000;

// Bob sees that alice types, and then no more, sooner than it would be over by itself. A round in which a busy machine
// takes as long shows nothing, so another one follows.
async function endsTyping(bob, { prepare = async () => {}, type, end }) {
  for (let round = 1; round <= 5; round++) {
    await prepare(round);
    const began = Date.now();
    await type();
    await bob.getByText("alice is typing…").waitFor();
    await end(round);
    await bob.getByText("alice is typing…").waitFor({ state: "hidden" });
    if (Date.now() - began < TYPING_LASTS_MS) return;
  }
  throw new Error("it was over by itself");
}

test("Keys of the field", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await gather("Keys", ["bob"]);
  await open(alice, "Keys");
  await open(bob, "Keys");
  await endsTyping(bob, {
    type: () => composer(alice).pressSequentially("one"),
    end: async () => {
      for (let count = 0; count < 3; count++) await alice.keyboard.press("Backspace");
    },
  });
  await composer(alice).pressSequentially("one");
  await alice.keyboard.press("Shift+Enter");
  await composer(alice).pressSequentially("two");
  await alice.keyboard.press("Shift+ArrowLeft");
  await alice.keyboard.press("Shift+ArrowLeft");
  await alice.keyboard.press("Shift+ArrowLeft");
  await alice.keyboard.press("Control+b");
  equal(await composer(alice).inputValue(), "one\n**two**");
  await alice.keyboard.press("Enter");
  // To be edited, it has to be a message for alice too.
  for (const page of [alice, bob]) await message(page, "one\ntwo").waitFor();
  equal(await messages(bob).locator("strong").textContent(), "two");
  await alice.keyboard.press("ArrowUp");
  await alice.getByText("Editing your message").waitFor();
  await write(composer(alice), "three");
  await message(bob, "three").waitFor();
  const grown = await composer(alice).evaluate((field) => {
    field.focus();
    document.execCommand("insertText", false, "line\n".repeat(100));
    return field.getBoundingClientRect().height / innerHeight;
  });
  ok(grown > 0.25 && grown <= 0.301);
  await composer(alice).fill("");
});

// Where only some may write, the page says so to the others; and a refused message shows why.
test("A member who may not write sees why", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "channel", name: "News", memberIds: ["bob"] });
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await open(alice, "News");
  await say(alice, "Read this");
  await bob.goto(bob.url().replace(/#.*|$/, `#/conversation/${encodeURIComponent(id)}`));
  await message(bob, "Read this").waitFor();
  await bob.getByText("Only the owner and admins can write in this channel.").waitFor();
  equal(await composer(bob).count(), 0);
  await gather("Quiet", ["bob", "carol"]);
  await open(alice, "Quiet");
  await open(bob, "Quiet");
  const quiet = decodeURIComponent(alice.url().split("/").at(-1));
  await composer(bob).fill("Unsent words");
  await call("PUT", `conversations/${encodeURIComponent(quiet)}/mutes/bob`, "alice", { reason: "too loud" });
  const reason = bob.locator(".read-only");
  await reason.getByText("too loud").waitFor();
  equal(await composer(bob).count(), 0);
  deepEqual((await bob.locator(".kept-draft").innerText()).split("\n"), ["Not sent", "Unsent words", "Copy text"]);
  await call("DELETE", `conversations/${encodeURIComponent(quiet)}/mutes/bob`, "alice");
  await composer(bob).waitFor();
  equal(await composer(bob).inputValue(), "Unsent words");
  await composer(bob).fill("");
  // A page that was not there when it was said learns it from the conversation.
  await call("PUT", `conversations/${encodeURIComponent(quiet)}/mutes/bob`, "alice", {});
  await reason.waitFor();
  await bob.reload();
  // It is empty until the page knows the members.
  await reason.filter({ hasText: /muted/i }).waitFor();
  ok(/muted/i.test(await reason.textContent()));
});

// What starts to write is not offered where one may not write; a thread that exists can be read.
test("Nothing starts to write where one may not", [], async () => {
  const { id } = await gather("Only reading", ["bob"]);
  const root = await post("messages", "alice", { conversationId: id, content: "A root" });
  await post("messages", "alice", { conversationId: id, content: "A reply", threadId: root.id });
  await post("messages", "bob", { conversationId: id, content: "Of bob" });
  await post("messages", "alice", { conversationId: id, content: "Another" });
  const bob = await visitAs("bob");
  await open(bob, "Only reading");
  await composer(bob).fill("Unsent words");
  await call("PUT", `conversations/${id}/mutes/bob`, "alice", {});
  await bob.locator(".read-only").filter({ hasText: /muted/i }).waitFor();
  const offers = async (content) => {
    const at = bob.locator(".message", { has: bob.locator(".text").getByText(content, { exact: true }) });
    await hover(at);
    const buttons = await at.locator(".actions button").evaluateAll((all) => all.map((each) => each.title));
    await at.locator(".text").click({ button: "right" });
    await bob.getByRole("menuitem").first().waitFor();
    const items = await bob.getByRole("menuitem").allTextContents();
    await bob.keyboard.press("Escape");
    await bob.getByRole("menuitem").first().waitFor({ state: "detached" });
    return [...buttons, ...items].filter((each) => /reply|thread|edit/i.test(each));
  };
  deepEqual(await offers("A root"), ["Thread", "Thread"]);
  for (const content of ["Of bob", "Another"]) deepEqual(await offers(content), []);
  await bob.locator("[role=log]").focus();
  await bob.keyboard.press("ArrowUp");
  await bob.locator(".message:focus").waitFor();
  for (const key of ["r", "t"]) await bob.keyboard.press(key);
  equal(await bob.locator(".panel").count(), 0);
  await call("DELETE", `conversations/${id}/mutes/bob`, "alice");
  await composer(bob).waitFor();
  equal(await bob.locator(".composing").count(), 0);
});

test("A draft is continued at its end, however its reader comes back to it", [], async () => {
  await gather("Caret below", ["bob"]);
  await gather("Caret", ["bob"]);
  const alice = await visitAs("alice");
  const at = async () => {
    await opened(alice, "Caret");
    const read = () => composer(alice).evaluate((it) => (it === document.activeElement ? it.selectionStart : null));
    return until(read, (place) => place === 7);
  };
  const leave = () => open(alice, "Caret below");
  await open(alice, "Caret");
  await composer(alice).fill("A draft");
  await leave();
  await open(alice, "Caret");
  equal(await at(), 7);
  await alice.reload();
  await conversations(alice).first().waitFor();
  equal(await at(), 7);
  await leave();
  await alice.keyboard.press("Control+k");
  await alice.getByRole("combobox").fill("Caret");
  await alice.getByRole("option").filter({ hasText: "Caret" }).first().click();
  equal(await at(), 7);
  await leave();
  await composer(alice).press("Alt+ArrowUp");
  equal(await at(), 7);
});

test("Long addresses and code stay within a narrow screen", [], async () => {
  const alice = await visit({ viewport: { width: 320, height: 560 }, path: "/#/conversation/test-conv" });
  await enterAs(alice, "alice");
  await composer(alice).waitFor();
  const address = `https://example.com/${"long".repeat(60)}?q=1`;
  await say(alice, `See ${address} there`);
  await say(alice, `\`\`\`\n${"wide ".repeat(60)}\n\`\`\``);
  for (const part of ["a", "pre"]) await alice.locator(`.message:not(.letter) .text ${part}`).waitFor();
  equal(await alice.evaluate(() => document.documentElement.scrollWidth), 320);
  equal(await alice.locator(".text a").getAttribute("href"), address);
  equal(await alice.locator(".text pre").evaluate((it) => it.scrollWidth === it.clientWidth), true);
});

// What is written for a message is neither lost nor taken for the draft, whatever comes of it.
test("A text that is not taken is not lost", [], async () => {
  await gather("Unfinished", ["bob"]);
  const alice = await visitAs("alice");
  await open(alice, "Unfinished");
  await say(alice, "one");
  await say(alice, "two");
  await message(alice, "two").waitFor();
  await composer(alice).fill("a draft");
  await act(alice, "one", "Edit");
  await composer(alice).fill("one, changed");
  await act(alice, "two", "Reply");
  await alice.getByText("Replying to").waitFor();
  equal(await written(alice, "a draft"), "a draft");
  await alice.getByRole("button", { name: "Cancel" }).click();

  await act(alice, "one", "Edit");
  await write(composer(alice), "not \u0000 taken");
  // It stays at the message, and can be edited again.
  const problem = alice.locator(".problem").filter({ hasText: "must not contain U+0000" });
  await problem.waitFor();
  await alice.locator(".message", { has: problem }).hover();
  await alice.locator(".message", { has: problem }).getByRole("button", { name: "More actions" }).click();
  await alice.getByRole("menuitem", { name: "Edit", exact: true }).click();
  equal(await written(alice, "not \u0000 taken"), "not \u0000 taken");
  await write(composer(alice), "one, better");
  await message(alice, "one, better").waitFor();
  await problem.waitFor({ state: "detached" });
  equal(await written(alice, "a draft"), "a draft");
});

// What was begun stays begun: another text for a message, and the message that is answered.
test("An edit and an answer go on after another conversation and a reload", [], async () => {
  const alice = await visitAs("alice");
  // Near it: rows of a long list that are out of sight are not in the page.
  await gather("Beside it", ["bob"]);
  await gather("Begun", ["bob"]);
  await open(alice, "Begun");
  await say(alice, "Said wrong");
  await message(alice, "Said wrong").waitFor();
  await composer(alice).fill("a draft");
  await act(alice, "Said wrong", "Edit");
  await composer(alice).fill("Said bett");
  await open(alice, "Beside it");
  equal(await composer(alice).inputValue(), "");
  await open(alice, "Begun");
  await alice.getByText("Editing your message").waitFor();
  equal(await written(alice, "Said bett"), "Said bett");
  await alice.reload();
  await alice.getByText("Editing your message").waitFor();
  equal(await written(alice, "Said bett"), "Said bett");
  await write(composer(alice), "Said better");
  await message(alice, "Said better").waitFor();
  equal(await written(alice, "a draft"), "a draft");
  await act(alice, "Said better", "Reply");
  await composer(alice).fill("An answer");
  await open(alice, "Beside it");
  await open(alice, "Begun");
  await alice.getByText("Replying to alice").waitFor();
  await alice.reload();
  await alice.getByText("Replying to alice").waitFor();
  await composer(alice).press("Enter");
  await message(alice, "An answer").waitFor();
  const answer = alice.locator(".message").filter({ has: alice.getByText("An answer", { exact: true }) });
  equal(await answer.locator(".quote-says").textContent(), "Said better");
});

// Others see that somebody writes another text, until it is there.
test("An edit that is saved ends that somebody types", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await gather("Editing", ["bob"]);
  await open(alice, "Editing");
  await open(bob, "Editing");
  await say(alice, "First");
  await message(bob, "First").waitFor();
  await endsTyping(bob, {
    prepare: async (round) => {
      const before = round === 1 ? "First" : `Version ${round - 1}`;
      await message(alice, before).waitFor();
      await act(alice, before, "Edit");
      await alice.getByText("Editing your message").waitFor();
    },
    type: () => composer(alice).fill("Another"),
    end: async (round) => {
      await write(composer(alice), `Version ${round}`);
      await message(bob, `Version ${round}`).waitFor();
    },
  });
});

const WRITTEN = [
  "3*4*5 a==b==c __init__ C:\\new\\*.txt \\*no italics\\*",
  "---",
  "Title\n---",
  "    if x:\n        y()",
  "a\n\n\n\n\n\nb",
  "1) one\n3) three",
  "a\n\n- b\n\nc",
];

// A text arrives as it is written: nothing is taken for formatting, and no space is lost.
test("A text is shown as it is written", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await gather("Written", ["bob"]);
  await open(alice, "Written");
  await open(bob, "Written");
  await composer(alice).fill(" \n ");
  await composer(alice).press("Enter");
  equal(await alice.getByRole("button", { name: "Send", exact: true }).isEnabled(), false);
  await composer(alice).fill("");
  for (const [index, text] of WRITTEN.entries()) {
    await say(alice, `\n  \n${text}  \n\n`);
    await until(() => messages(bob).count(), (count) => count === index + 1);
  }
  const shown = messages(bob).locator(":scope > div > div");
  const list = shown.nth(5).locator("ol");
  await say(bob, "3*4*5 and **bold**");
  await listed(alice, "Written").getByText("3*4*5 and bold").waitFor();
  deepEqual(await shown.evaluateAll((all) => all.slice(0, 5).map((each) => each.innerText)), [
    "3*4*5 a==b==c __init__ C:\\new\\*.txt *no italics*",
    "---",
    "Title\n---",
    "    if x:\n        y()",
    "a\n\n\n\n\n\nb",
  ]);
  const heights = await shown.evaluateAll((all) =>
    all.map((each) => each.closest(".said").getBoundingClientRect().height),
  );
  equal(Math.round(heights[4] / heights[1]), 7, "blank lines are lines");
  equal(Math.round(heights[6] / heights[1]), 4, "beside a list, one gives way");
  deepEqual(await list.locator("li").evaluateAll((items) => items.map(({ value }) => value)), [1, 3]);
  equal(await list.evaluate((it) => getComputedStyle(it).listStyleType), "bracketed");
  deepEqual(
    await shown.evaluateAll((all) => all.flatMap((each) => [...each.querySelectorAll("hr, em, mark, del, .heading")])),
    [],
  );
  const spacing = await shown.nth(3).locator("p").evaluate((it) => getComputedStyle(it).whiteSpace);
  ok(["pre-wrap", "preserve wrap"].includes(spacing));
});

// Buttons that format the selection, which the keyboard reaches and a narrow screen holds.
test("Buttons format what is selected", [], async () => {
  const alice = await visitAs("alice");
  await gather("Bar", ["bob"]);
  await open(alice, "Bar");
  const bar = alice.getByRole("toolbar", { name: "Formatting" });
  const press = (name) => bar.getByRole("button", { name, exact: true }).click();
  equal(await bar.count(), 0);
  await alice.getByRole("button", { name: "Formatting" }).click();
  await bar.waitFor();
  await composer(alice).fill("one two");
  const texts = {};
  const names = await bar.getByRole("button").evaluateAll((all) => all.map((each) => each.ariaLabel));
  for (const name of names.filter((each) => each !== "Close")) {
    await composer(alice).fill("one two");
    await composer(alice).evaluate((field) => field.setSelectionRange(4, 7));
    await press(name);
    texts[name] = await composer(alice).inputValue();
  }
  deepEqual(texts, {
    Bold: "one **two**",
    Italic: "one _two_",
    Strikethrough: "one ~~two~~",
    Code: "one `two`",
    "Code block": "one \n```\ntwo\n```",
    Quote: "> one two",
    List: "- one two",
    Link: "one [two](https://)",
  });
  ok(await composer(alice).evaluate((field) => field === document.activeElement));
  await composer(alice).fill("one two");
  await composer(alice).press("Shift+ArrowLeft");
  await composer(alice).press("Control+Shift+X");
  equal(await composer(alice).inputValue(), "one tw~~o~~");
  await composer(alice).press("Control+z");
  equal(await composer(alice).inputValue(), "one two");
  await bar.getByRole("button", { name: "Bold", exact: true }).focus();
  await alice.keyboard.press("ArrowRight");
  await alice.keyboard.press("End");
  equal(await alice.evaluate(() => document.activeElement.ariaLabel), "Close");
  await composer(alice).fill("");
  await alice.reload();
  await bar.waitFor();
  deepEqual(await bar.getByRole("button").evaluateAll((all) => all.map((each) => each.title)), [
    "Bold (Ctrl+B)",
    "Italic (Ctrl+I)",
    "Strikethrough (Ctrl+Shift+X)",
    "Code (Ctrl+E)",
    "Code block",
    "Quote",
    "List",
    "Link",
    "Close",
  ]);
  await alice.setViewportSize({ width: 390, height: 700 });
  equal(await alice.evaluate(() => document.documentElement.scrollWidth), 390);
  ok((await bar.evaluate((it) => it.clientHeight)) < 45, "the buttons stay in one line");
  ok(await composer(alice).evaluate((it) => it.clientWidth > 120));
  await alice.getByRole("button", { name: "Attach, emoji and more" }).click();
  await alice.getByRole("button", { name: "Formatting" }).click();
  await bar.waitFor({ state: "detached" });
  await alice.reload();
  await composer(alice).waitFor();
  equal(await bar.count(), 0);
});

// The page says by how much a text is too long, and makes a file of it.
test("A text that is too long becomes a file", [], async () => {
  const alice = await visitAs("alice");
  await gather("Long", ["bob"]);
  await open(alice, "Long");
  const text = `  ${"ü".repeat(33_000)}\n`;
  await composer(alice).fill(text);
  await alice.getByText("This message is 233 characters too long.").waitFor();
  await composer(alice).press("Enter");
  await alice.getByRole("button", { name: "Send as a file" }).click();
  await alice.locator(".composer .tray li").filter({ hasText: "message.txt" }).waitFor();
  equal(await written(alice, ""), "");
  equal(await alice.getByText("too long").count(), 0);
  await composer(alice).press("Enter");
  const file = alice.locator(".message .file-name").filter({ hasText: "message.txt" });
  await file.waitFor();
  equal(await composer(alice).evaluate((it) => it === document.activeElement), true);
});

// With Ctrl+Shift+V, a picture beside a text is left out, and a text stays what it is.
test("Ctrl+Shift+V pastes only text", [], async () => {
  const alice = await visitAs("alice", { permissions: ["clipboard-read", "clipboard-write"] });
  await gather("Plain", ["bob"]);
  await open(alice, "Plain");
  await composer(alice).focus();
  const paste = () =>
    composer(alice).evaluate((field) => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File(["pasted"], "pasted.txt", { type: "text/plain" }));
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    });
  // The clipboard is empty, so the key itself pastes nothing.
  await composer(alice).evaluate((field) => field.addEventListener("keydown", (event) => event.preventDefault()));
  await composer(alice).press("Control+Shift+V");
  await paste();
  equal(await alice.locator(".composer .tray li").count(), 0);
  await composer(alice).press("Control+v");
  await paste();
  await alice.locator(".composer .tray li").filter({ hasText: "pasted.txt" }).waitFor();
  equal(await alice.locator(".composer .tray li").count(), 1);
  await alice.reload();
  await composer(alice).waitFor();
  await alice.evaluate(() =>
    navigator.clipboard.write([
      new ClipboardItem({
        "text/html": new Blob(["<b>a</b>"], { type: "text/html" }),
        "text/plain": new Blob(["  *a*\n\n\nhttps://example.com/"], { type: "text/plain" }),
      }),
    ]),
  );
  await composer(alice).fill("");
  await composer(alice).press("Control+Shift+V");
  equal(await written(alice, "  *a*\n\n\nhttps://example.com/"), "  *a*\n\n\nhttps://example.com/");
});

// A changed edit that is cancelled can be taken up again; an unchanged one is simply over.
test("A cancelled edit can be taken up again", [], async () => {
  const alice = await visitAs("alice");
  await gather("Cancelled edits", ["bob"]);
  await open(alice, "Cancelled edits");
  await say(alice, "Said once");
  const toast = alice.locator(".toast");
  await act(alice, "Said once", "Edit");
  await alice.getByText("Editing your message").waitFor();
  await written(alice, "Said once");
  await alice.keyboard.press("Escape");
  await alice.getByText("Editing your message").waitFor({ state: "detached" });
  equal(await toast.isVisible(), false);
  await act(alice, "Said once", "Edit");
  await written(alice, "Said once");
  await composer(alice).pressSequentially(", and more");
  await alice.keyboard.press("Escape");
  await written(alice, "");
  await toast.getByRole("button", { name: "Undo" }).click();
  await alice.getByText("Editing your message").waitFor();
  equal(await written(alice, "Said once, and more"), "Said once, and more");
});
