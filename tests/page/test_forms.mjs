// What people typed into forms and did not save.
import { deepEqual, equal, ok } from "node:assert/strict";
// Forms that are left before they are saved.
import {
  LOST,
  act,
  atEnd,
  call,
  choose,
  composer,
  conversations,
  enterAs,
  holdable,
  letters,
  listed,
  message,
  open,
  openSettings,
  pause,
  post,
  say,
  stays,
  until,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const question = (page) => page.getByRole("dialog", { name: "Discard changes?" });
const answer = (page, name) => question(page).getByRole("button", { name, exact: true }).click();
const isGone = (locator) => locator.waitFor({ state: "detached" });

const EXITS = {
  escape: (page) => page.keyboard.press("Escape"),
  back: (page) => page.goBack(),
  cross: (page, dialog) => dialog.getByRole("button", { name: "Close", exact: true }).click(),
  beside: (page) => page.mouse.click(5, 5),
};

// Each way out asks once, and the first answer keeps everything.
async function leaves(page, dialog, shows, exits) {
  const kept = {};
  for (const exit of exits) {
    await EXITS[exit](page, dialog);
    if (exit !== "beside") {
      await question(page).waitFor();
      // The question goes by the same ways.
      await EXITS[exit === "back" ? "back" : "escape"](page);
      await isGone(question(page));
      await EXITS[exit](page, dialog);
      await answer(page, "Keep editing");
      await isGone(question(page));
    }
    kept[exit] = await shows();
  }
  await EXITS[exits[0]](page, dialog);
  await answer(page, "Discard");
  await isGone(dialog);
  return kept;
}

// What was typed in the settings outlives other tabs and asks before it goes; one button saves all of it.
test("Settings keep what was typed until it is saved or discarded", [], async () => {
  const carol = await visitAs("carol");
  const dialog = carol.locator("dialog.settings");
  await openSettings(carol, "Profile");
  await carol.getByRole("textbox", { name: "About you" }).fill("I row boats");
  await carol.getByRole("textbox", { name: "Handle" }).fill("rowing");
  await carol.getByRole("tab", { name: "Appearance" }).click();
  await carol.getByRole("tab", { name: "Profile" }).click();
  const valueOf = (name) => carol.getByRole("textbox", { name }).inputValue();
  const typed = async () => [await valueOf("Handle"), await valueOf("About you")];
  for (const left of Object.values(await leaves(carol, dialog, typed, ["escape", "back", "cross", "beside"])))
    deepEqual(left, ["rowing", "I row boats"]);

  await openSettings(carol, "Profile");
  deepEqual(await typed(), ["", ""]);
  await carol.getByRole("textbox", { name: "Handle" }).fill("rowing");
  await carol.getByRole("textbox", { name: "About you" }).fill("I row boats ");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.getByText("Saved", { exact: true }).waitFor();
  const { handle, text } = await call("GET", "users/me", "carol");
  deepEqual([handle, text], ["rowing", "I row boats"]);
  await carol.getByRole("textbox", { name: "About you" }).fill("I row");
  await isGone(dialog.getByText("Saved", { exact: true }));
  await carol.getByRole("textbox", { name: "About you" }).fill("I row boats");
  await carol.keyboard.press("Escape");
  await isGone(dialog);
});

// Other dialogs follow the same rule; Escape first closes the list of people.
test("Every dialog asks before it discards changes", [], async () => {
  const carol = await visitAs("carol");
  const created = carol.getByRole("dialog", { name: "New group" });
  await carol.getByRole("button", { name: "New conversation" }).click();
  await carol.getByRole("button", { name: /^New group/ }).click();
  await created.getByLabel("Group name").fill("Boats");
  await created.getByLabel("Group name").press("Enter");
  // Nobody is in the group yet.
  equal(await created.getByLabel("Find people").evaluate((it) => it === document.activeElement), true);
  await created.getByLabel("Find people").fill("ali");
  await carol.locator(".found [role=option]").first().click();
  await created.getByLabel("Find people").fill("bo");
  await carol.locator(".found [role=option]").first().waitFor();
  await carol.keyboard.press("Escape");
  await isGone(carol.locator(".found"));
  equal(await question(carol).count(), 0);
  await created.getByLabel("Group name").focus();
  const people = async () => [await created.getByLabel("Group name").inputValue(), await created.locator(".chosen li").count()];
  deepEqual(await leaves(carol, created, people, ["escape", "back"]), { escape: ["Boats", 1], back: ["Boats", 1] });

  await post("conversations", "carol", { kind: "group", memberIds: ["alice"], name: "Rowers" });
  await open(carol, "Rowers");
  await carol.getByRole("heading", { name: "Rowers" }).click();
  const edited = carol.getByRole("dialog", { name: "Edit group" });
  const edit = () => carol.locator(".panel").getByRole("button", { name: "Edit", exact: true }).click();
  await edit();
  await edited.getByRole("textbox", { name: "Description" }).fill("We row on Sundays");
  deepEqual(
    await leaves(carol, edited, () => edited.getByRole("textbox", { name: "Description" }).inputValue(), [
      "escape",
      "back",
    ]),
    { escape: "We row on Sundays", back: "We row on Sundays" },
  );
  await edit();
  equal(await edited.getByRole("textbox", { name: "Description" }).inputValue(), "");
  await carol.keyboard.press("Escape");
  await isGone(edited);
  equal(await question(carol).count(), 0);
});

// The browser asks before the page goes with what was typed, and only then.
test("The browser asks before the page goes with changes", [], async () => {
  const carol = await visitAs("carol");
  const asked = stays(carol);
  const dialog = carol.getByRole("dialog", { name: "New group" });
  const name = dialog.getByLabel("Group name");
  // The page stays, so nothing is loaded.
  const reload = () => carol.reload({ timeout: 3_000 }).catch(() => undefined);
  const opened = async () => {
    await carol.getByRole("button", { name: "New conversation" }).click();
    await carol.getByRole("button", { name: /^New group/ }).click();
  };
  await opened();
  await name.fill("Boats");
  await reload();
  equal(await name.inputValue(), "Boats");
  await name.fill("");
  await reload();
  await isGone(dialog);
  deepEqual(asked.splice(0), ["beforeunload"]);
  await opened();
  await dialog.getByLabel("Find people").fill("ali");
  await carol.locator(".found [role=option]").first().click();
  await reload();
  deepEqual(asked.splice(0), ["beforeunload"]);
  await EXITS.cross(carol, dialog);
  await answer(carol, "Discard");
  await isGone(dialog);
  await reload();
  await conversations(carol).first().waitFor();
  deepEqual(asked, []);
});

// Another language loads the page again, and asks first where that would discard something.
test("Another language asks before it discards what was typed", [], async () => {
  const carol = await visitAs("carol");
  const languages = carol.locator("select").filter({ has: carol.locator("option[value=de]") });
  const before = (await call("GET", "users/me", "carol")).text;
  const typed = async () => [await carol.getByRole("textbox", { name: "About you", includeHidden: true }).inputValue(), await languages.inputValue()];
  await openSettings(carol, "Profile");
  await carol.getByRole("textbox", { name: "About you" }).fill("I swim");
  await carol.getByRole("tab", { name: "Appearance" }).click();
  await languages.selectOption("de");
  await answer(carol, "Keep editing");
  await isGone(question(carol));
  deepEqual(await typed(), ["I swim", ""]);
  await languages.selectOption("de");
  await answer(carol, "Discard");
  await carol.getByRole("button", { name: /^Dein Konto/ }).click();
  await carol.getByRole("menuitem", { name: "Einstellungen" }).click();
  await carol.getByRole("tab", { name: "Darstellung" }).click();
  // Nothing is lost.
  await languages.selectOption("fr");
  await carol.getByRole("button", { name: /^Votre compte/ }).waitFor();
  equal((await call("GET", "users/me", "carol")).text, before);
});

// Whether a problem is on the screen while its dialog is scrolled up.
async function isInSight(alert) {
  return alert.evaluate((it) => {
    it.closest(".dialog-body").scrollTo(0, 0);
    const { left, top, width, height } = it.getBoundingClientRect();
    return it.contains(document.elementFromPoint(left + width / 2, top + height / 2));
  });
}

// The form of a group or channel leads back to the people, with what was entered.
async function leaveForm(dialog) {
  const back = dialog.getByRole("button", { name: "Back", exact: true });
  if ((await back.count()) === 0) return dialog.getByRole("button", { name: "Cancel", exact: true }).click();
  await back.click();
  await dialog.getByRole("button", { name: /^New channel/ }).click();
  if ((await dialog.getByLabel("Channel name").inputValue()) !== "Boats") throw new Error("the name is lost");
  await back.click();
  return dialog.getByRole("button", { name: "Close", exact: true }).click();
}

// Why a dialog failed is in sight in every window, however long its form is.
test("Why a dialog failed is in sight in every window", [], async () => {
  const { id } = await post("conversations", "carol", { kind: "group", memberIds: ["alice"], name: "Sailors" });
  await post("messages", "alice", { conversationId: id, content: "Ahoy" });
  const carol = await visitAs("carol", { expected: LOST });
  const dialog = carol.locator("dialog[open]");
  const panel = carol.locator(".panel");
  const isOffline = carol.getByText(/^You're offline/);
  await open(carol, "Sailors");
  const OPENED = {
    create: async () => {
      await carol.getByRole("button", { name: "New conversation" }).click();
      await dialog.getByRole("button", { name: /^New channel/ }).click();
      await dialog.getByLabel("Channel name").fill("Boats");
    },
    offer: async () => {
      await carol.getByRole("button", { name: "Offers", exact: true }).click();
      await carol.getByRole("button", { name: "Make an offer" }).click();
      await dialog.getByLabel("Title").fill("A boat");
      await dialog.getByLabel("Amount").fill("5");
    },
    edit: async () => {
      await carol.getByRole("heading", { name: "Sailors" }).click();
      await panel.getByRole("button", { name: "Edit", exact: true }).click();
      await dialog.getByRole("textbox", { name: "Topic" }).fill("The sea");
    },
    add: async () => {
      await panel.getByRole("button", { name: "Add people" }).click();
      await choose(carol, "bob");
    },
    forward: async () => {
      await act(carol, "Ahoy", "Forward");
      await dialog.getByRole("checkbox", { name: "Sailors" }).check();
    },
    report: () => act(carol, "Ahoy", "Report message"),
    leave: async () => {
      await panel.getByRole("button", { name: "Leave", exact: true }).click();
      await dialog.waitFor();
    },
  };
  for (const [name, show] of Object.entries(OPENED)) {
    await show();
    await carol.context().setOffline(true);
    await isOffline.waitFor();
    await dialog.locator(".buttons .primary, .buttons .destructive").last().click();
    const alert = dialog.getByRole("alert").filter({ hasText: /\S/ }).last();
    await alert.waitFor();
    for (const [width, height] of [[1100, 700], [390, 844], [844, 390]]) {
      await carol.setViewportSize({ width, height });
      equal(await isInSight(alert), true, `${name} at ${width} pixels`);
    }
    await carol.setViewportSize({ width: 1100, height: 700 });
    await carol.context().setOffline(false);
    await isGone(isOffline);
    await leaveForm(dialog);
    await isGone(dialog);
  }
});

// A reply waits with its text while another message is edited, also through a reload.
test("A reply waits while another message is edited", [], async () => {
  const bob = await visitAs("bob");
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Replies" });
  await post("messages", "alice", { conversationId: id, content: "Who rows?" });
  await post("messages", "bob", { conversationId: id, content: "Hi" });
  await open(bob, "Replies");
  await act(bob, "Who rows?", "Reply");
  await composer(bob).fill("I do");
  await act(bob, "Hi", "Edit");
  await bob.getByText("Editing your message").waitFor();
  await bob.reload();
  await bob.getByText("Editing your message").waitFor();
  await composer(bob).press("Escape");
  await bob.getByText("Replying to alice").waitFor();
  await act(bob, "Hi", "Edit");
  await composer(bob).fill("Hello");
  await composer(bob).press("Enter");
  await bob.getByText("Replying to alice").waitFor();
  await composer(bob).press("Enter");
  // Stored, and no longer on its way.
  await message(bob, "I do").waitFor();
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  deepEqual(items.map(({ content }) => content), ["Who rows?", "Hello", "I do"]);
  equal(items.at(-1).replyTo?.content, "Who rows?");
  equal(await bob.getByText("Replying to alice").count(), 0);
});

// What the message field makes of a closing colon, of Enter in a block of code, and of a new line in a list.
test("The message field completes emoji and continues code and lists", [], async () => {
  const bob = await visitAs("bob");
  await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Typing" });
  await open(bob, "Typing");
  const text = () => composer(bob).inputValue();
  const type = async (...keys) => {
    for (const key of keys) await (/^(Shift\+)?Enter$|^Control/.test(key) ? bob.keyboard.press(key) : bob.keyboard.type(key));
  };
  await composer(bob).focus();
  await type("Yes :tada:");
  await becomes(text, "Yes 🎉");
  await type("Control+z");
  equal(await until(text, (value) => value.endsWith(":")), "Yes :tada:");
  await composer(bob).fill("");
  await type("`:tada:` ");
  equal(await text(), "`:tada:` ");
  await composer(bob).fill("");
  await type("```", "Enter", "a = 1", "Enter", "```");
  equal(await text(), "```\na = 1\n```");
  await type("Enter");
  await until(text, (value) => value === "");
  await type("- milk", "Shift+Enter", "eggs", "Shift+Enter", "Shift+Enter", "end");
  equal(await text(), "- milk\n- eggs\nend");
  await composer(bob).fill("");
});

// The names of emoji in the reader's language.
test("Emoji are suggested by names in the language of the page", [], async () => {
  const bob = await visit({ locale: "de-DE" });
  await bob.locator(".demo-other input").fill("bob");
  await bob.locator(".demo-other input").press("Enter");
  await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Daumen" });
  await listed(bob, "Daumen").click();
  await bob.locator(".composer textarea").pressSequentially(":daumen");
  await bob.locator(".completion [role=option]").first().waitFor();
  ok((await bob.locator(".completion .emoji").allTextContents()).some((sign) => sign.startsWith("👍")));
});

// PageUp and PageDown in the empty field scroll the conversation, and an arrow key does not lead back.
test("Page keys in the empty field scroll the conversation", [], async () => {
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Pages" });
  for (let i = 0; i < 60; i++) await post("messages", "bob", { conversationId: id, content: `Line ${i}` });
  const bob = await visitAs("bob");
  await open(bob, "Pages");
  await atEnd(bob);
  // The list measures rows that it draws for the first time, and goes to its end again.
  await pause(1_000);
  // How far the end is.
  const below = () =>
    bob.locator(".scroller").evaluate((log) => log.scrollHeight - log.clientHeight - log.scrollTop);
  await composer(bob).press("PageUp");
  const up = await until(below, (value) => value > 200);
  ok(up > 200);
  await composer(bob).press("ArrowDown");
  await pause(300);
  const afterArrow = await below();
  ok(Math.abs(afterArrow - up) < 2);
  await composer(bob).press("PageDown");
  const down = await until(below, (value) => value < 50);
  ok(down < 50);
});

// What is saved changes nothing that somebody else, or another device, has changed since the form was opened.
test("Saving a form undoes nothing that was changed elsewhere meanwhile", [], async () => {
  const carol = await visitAs("carol");
  const group = { kind: "group", memberIds: ["alice"], name: "Skiffs", public: true };
  const { id } = await post("conversations", "carol", group);
  await open(carol, "Skiffs");
  await carol.getByRole("heading", { name: "Skiffs" }).click();
  await carol.locator(".panel").getByRole("button", { name: "Edit", exact: true }).click();
  const edited = carol.getByRole("dialog", { name: "Edit group" });
  await edited.getByLabel("Topic").fill("Sundays");
  await call("PATCH", `conversations/${id}`, "carol", { name: "Sculls", public: false, history: "from-join" });
  await carol.getByRole("heading", { name: "Sculls", includeHidden: true }).first().waitFor({ state: "attached" });
  await edited.getByRole("button", { name: "Save" }).click();
  await isGone(edited);
  const { name, public: isPublic, history, topic } = await call("GET", `conversations/${id}`, "carol");
  deepEqual([name, isPublic, history, topic], ["Sculls", false, "from-join", "Sundays"]);

  // What both have changed is replaced when carol knows of it.
  await carol.locator(".panel").getByRole("button", { name: "Edit", exact: true }).click();
  await edited.getByLabel("Name").fill("Carol's");
  await call("PATCH", `conversations/${id}`, "carol", { name: "Somebody's", topic: "Mondays" });
  await carol.getByRole("heading", { name: "Somebody's", includeHidden: true }).first().waitFor({ state: "attached" });
  await edited.getByRole("button", { name: "Save" }).click();
  const problem = edited.getByRole("alert").filter({ hasText: "Somebody else has changed this" });
  await problem.waitFor();
  equal(
    await problem.textContent(),
    "Somebody else has changed this meanwhile (Name: “Somebody's”). Save again to replace it.",
  );
  deepEqual(
    await edited.locator("input[name=name], input[name=topic]").evaluateAll((all) => all.map((it) => it.value)),
    ["Carol's", "Sundays"],
  );
  equal((await call("GET", `conversations/${id}`, "carol")).name, "Somebody's");
  await edited.getByRole("button", { name: "Save" }).click();
  await isGone(edited);
  const replaced = await call("GET", `conversations/${id}`, "carol");
  deepEqual([replaced.name, replaced.topic], ["Carol's", "Mondays"]);

  await openSettings(carol, "Profile");
  await carol.getByLabel("About you").fill("I row");
  await call("PATCH", "users/me", "carol", { name: "Carol Carter" });
  await carol.locator(".sidebar header").getByText("Carol Carter").waitFor();
  await carol.getByRole("button", { name: "Save", exact: true }).click();
  await carol.getByText("Saved", { exact: true }).waitFor();
  const me = await call("GET", "users/me", "carol");
  deepEqual([me.name, me.text], ["Carol Carter", "I row"]);
});

// The text of a reply stays when the message that it answers is deleted, before the reply is sent or meanwhile.
test("A reply can be sent when its message is deleted meanwhile", [], async () => {
  const bob = await visitAs("bob");
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Deleted" });
  const posted = [];
  for (const content of ["Who rows?", "And who steers?"])
    posted.push(await post("messages", "alice", { conversationId: id, content }));
  const { hold, release } = await holdable(bob);
  await open(bob, "Deleted");
  await act(bob, "Who rows?", "Reply");
  await composer(bob).fill("I do");
  await call("DELETE", `messages/${posted[0].id}`, "alice");
  await bob.getByText("The message you replied to was deleted.").waitFor();
  equal(await composer(bob).inputValue(), "I do");
  await composer(bob).press("Enter");
  await message(bob, "I do").waitFor();

  await act(bob, "And who steers?", "Reply");
  hold();
  await say(bob, "Me");
  await call("DELETE", `messages/${posted[1].id}`, "alice");
  release();
  const refused = letters(bob);
  await refused.getByText("Not sent: The message you replied to was deleted.").waitFor();
  await refused.getByRole("button", { name: "Send without the quote" }).click();
  await message(bob, "Me").waitFor();
  const { items } = await call("GET", `conversations/${id}/messages`, "bob");
  deepEqual(
    items.filter(({ senderId }) => senderId === "bob").map(({ content, replyTo }) => [content, replyTo ?? null]),
    [["I do", null], ["Me", null]],
  );
});

// A message that bob edits is edited in another tab: he sees that before he replaces it. And an edit that he takes up
// again opens no list of names, wherever the caret was in what he wrote instead.
test("An edit replaces no other edit unseen", [], async () => {
  const bob = await visitAs("bob");
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Lorries" });
  const lorry = await post("messages", "bob", { conversationId: id, content: "The lorry comes at 9" });
  const contentNow = async () => (await call("GET", `messages/${lorry.id}`, "bob")).content;
  await open(bob, "Lorries");
  await act(bob, "The lorry comes at 9", "Edit");
  await composer(bob).fill("The lorry comes at 9 or so");
  await call("PATCH", `messages/${lorry.id}`, "bob", { content: "The lorry comes at 10" });
  await message(bob, "The lorry comes at 10").waitFor();
  await composer(bob).press("Enter");
  await bob.getByText("The message was edited elsewhere meanwhile.").first().waitFor();
  equal(await bob.locator(".composing .excerpt").textContent(), "The lorry comes at 10");
  equal(await composer(bob).inputValue(), "The lorry comes at 9 or so");
  equal(await contentNow(), "The lorry comes at 10");
  await composer(bob).press("Enter");
  await becomes(contentNow, "The lorry comes at 9 or so");

  const soup = await post("messages", "bob", { conversationId: id, content: "Hi @alice soup today?" });
  await act(bob, "Hi @alice soup today?", "Edit");
  await composer(bob).fill("Hi @alice soup today? At noon.");
  await composer(bob).press("Escape");
  await bob.locator(".toast:popover-open").getByText("Your edit was discarded.").waitFor();
  await composer(bob).pressSequentially("Hello I");
  await bob.getByRole("button", { name: "Undo" }).click();
  await until(() => composer(bob).inputValue(), (value) => value.endsWith("At noon."));
  equal(await bob.getByRole("listbox").count(), 0);
  await composer(bob).press("Enter");
  await bob.getByText("Editing your message").waitFor({ state: "detached" });
  equal(await until(
    async () => (await call("GET", `messages/${soup.id}`, "bob")).content,
    (content) => content !== "Hi @alice soup today?",
  ), "Hi @alice soup today? At noon.");
});

// Anyone who begins to reply, or to edit another message, is offered the edit that they leave. What was forwarded has
// no edit.
test("An edit that is left for something else can be taken up again", [], async () => {
  const bob = await visitAs("bob");
  const { id } = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Edits" });
  const other = await post("messages", "alice", { conversationId: id, content: "Who steers?" });
  for (const content of ["First", "Second"]) await post("messages", "bob", { conversationId: id, content });
  await post(`messages/${other.id}/forward`, "bob", { conversationIds: [id] });
  await open(bob, "Edits");
  const taken = [];
  for (const [content, action] of [["Who steers?", "Reply"], ["Second", "Edit"]]) {
    await act(bob, "First", "Edit");
    await bob.getByText("Editing your message").waitFor();
    await composer(bob).fill("First of all");
    await bob.locator(".message").filter({ hasText: content }).first().waitFor();
    await act(bob, content, action, bob.locator(".row").filter({ hasText: content }).first());
    await bob.locator(".toast:popover-open").getByText("Your edit was discarded.").waitFor();
    await bob.getByRole("button", { name: "Undo" }).click();
    await until(() => composer(bob).inputValue(), (value) => value === "First of all");
    taken.push([await composer(bob).inputValue(), await bob.locator(".composing .excerpt").textContent()]);
    await composer(bob).press("Escape");
    await bob.getByText("Editing your message").waitFor({ state: "detached" });
  }
  // The reply has waited.
  await bob.getByText("Replying to alice").waitFor();
  await composer(bob).press("Escape");
  await bob.getByText("Replying to alice").waitFor({ state: "detached" });
  await composer(bob).press("ArrowUp");
  await bob.getByText("Editing your message").waitFor();
  deepEqual(taken, [["First of all", "First"], ["First of all", "First"]]);
  equal(await composer(bob).inputValue(), "Second");
});

// Reloads a page to which what the server sends can be held back.
async function deaf(page) {
  let waiting = null;
  await page.context().routeWebSocket(/socket\.io/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => (waiting === null ? socket.send(text) : waiting.push(() => socket.send(text))));
  });
  await page.reload();
  return {
    hold: () => (waiting = []),
    release: () => {
      for (const send of waiting.splice(0)) send();
      waiting = null;
    },
  };
}

// A message that is edited and deleted while bob forwards it, to someone to whom he has never written.
test("What is forwarded is what the dialog shows", [], async () => {
  const dave = await visit();
  await enterAs(dave, "dave");
  await dave.getByRole("heading", { name: "Welcome to Talkwire" }).waitFor();
  const bob = await visitAs("bob");
  const group = await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Prices" });
  const target = await post("conversations", "bob", { kind: "group", memberIds: ["carol"], name: "Buyers" });
  const posted = await post("messages", "alice", { conversationId: group.id, content: "It costs 90" });
  const { hold, release } = await deaf(bob);
  await open(bob, "Prices");
  await act(bob, "It costs 90", "Forward");
  const dialog = bob.getByRole("dialog", { name: "Forward message" });
  await dialog.getByRole("checkbox", { name: "Buyers" }).check();
  const preview = dialog.locator(".preview-says");
  hold();
  await call("PATCH", `messages/${posted.id}`, "alice", { content: "It costs 900" });
  // The dialog does not know it yet.
  await dialog.getByRole("button", { name: "Forward to Buyers" }).click();
  await dialog.getByText("The message was edited just now.").waitFor();
  equal(await preview.textContent(), "It costs 900");
  equal((await call("GET", `conversations/${target.id}/messages`, "bob")).items.length, 0);
  release();
  await dialog.getByRole("button", { name: "Forward to Buyers" }).click();
  await isGone(dialog);
  deepEqual(
    (await call("GET", `conversations/${target.id}/messages`, "bob")).items.map(({ content }) => content),
    ["It costs 900"],
  );

  await act(bob, "It costs 900", "Forward");
  await dialog.getByLabel("Add a message").fill("Look");
  await dialog.getByRole("textbox", { name: "Filter conversations" }).fill("dave");
  await dialog.getByRole("checkbox", { name: "dave" }).check();
  await call("PATCH", `messages/${posted.id}`, "alice", { content: "It costs 90 after all" });
  await dialog.getByText("The message was edited just now.").waitFor();
  equal(await preview.textContent(), "It costs 90 after all");
  hold();
  await call("DELETE", `messages/${posted.id}`, "alice");
  await dialog.getByRole("button", { name: "Forward to dave" }).click();
  await dialog.getByText("The message was deleted. It can no longer be forwarded.").waitFor();
  equal(await preview.textContent(), "This message was deleted.");
  equal(await dialog.getByLabel("Add a message").inputValue(), "Look");
  equal(await dialog.getByRole("button", { name: "Forward to dave" }).isEnabled(), false);
  release();
  equal(await dave.locator(".conversations a").filter({ hasText: "bob" }).count(), 0);
});

// What was written for an offer or a forward stays when somebody else answers first, or removes the reader.
test("What was written in a dialog stays when others end what it was for", [], async () => {
  // A card that was seen just before the removal asks for the conversation once more.
  const bob = await visitAs("bob", { expected: /403 \(Forbidden\)/ });
  const sell = async (name) => {
    const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "dave"], name });
    await post("messages", "alice", { conversationId: id, content: "Who buys?" });
    const offer = await post(`conversations/${id}/offers`, "alice", { title: "Boat", amount: 100, currency: "EUR" });
    await open(bob, name);
    await bob.getByRole("button", { name: "Counter: Boat" }).first().waitFor();
    return { id, offerId: offer.id };
  };
  const dialog = bob.getByRole("dialog");
  const textbox = (label) => dialog.getByRole("textbox", { name: label, exact: true });
  const write = (label, text) => textbox(label).fill(text);
  const state = async (why, label, action) => {
    await dialog.getByRole("alert").filter({ hasText: why }).waitFor();
    const may = await dialog.getByRole("button", { name: action }).isEnabled();
    return [await textbox(label).inputValue(), may];
  };
  const discard = async () => {
    await bob.keyboard.press("Escape");
    await answer(bob, "Discard");
    await isGone(dialog);
  };
  const remove = ({ id }) => call("DELETE", `conversations/${id}/members/bob`, "alice");
  const gone = "You are no longer in this conversation.";

  const { offerId } = await sell("Sold");
  await bob.getByRole("button", { name: "Counter: Boat" }).first().click();
  await write("Description (optional)", "With oars");
  await call("PATCH", `offers/${offerId}`, "dave", { status: "rejected" });
  deepEqual(await state("dave rejected this offer meanwhile.", "Description (optional)", "Send offer"), [
    "With oars",
    false,
  ]);
  await discard();

  const countered = await sell("Countered");
  await bob.getByRole("button", { name: "Counter: Boat" }).first().click();
  await write("Description (optional)", "With sails");
  await remove(countered);
  deepEqual(await state(gone, "Description (optional)", "Send offer"), ["With sails", false]);
  await discard();

  const offered = await sell("Offered");
  await bob.getByRole("button", { name: "Offers", exact: true }).click();
  await bob.getByRole("button", { name: "Make an offer" }).click();
  await write("Title", "A raft");
  await remove(offered);
  deepEqual(await state(gone, "Title", "Send offer"), ["A raft", false]);
  await discard();

  const forwarded = await sell("Forwarded");
  await act(bob, "Who buys?", "Forward");
  await write("Add a message (optional)", "Look");
  await remove(forwarded);
  deepEqual(await state(gone, "Add a message (optional)", "Forward"), ["Look", false]);
  await discard();
  equal(await bob.evaluate(() => location.hash), "#/");
});
