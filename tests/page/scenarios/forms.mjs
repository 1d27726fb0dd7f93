// Forms that are left before they are saved.
import { LOST, act, atEnd, call, choose, composer, conversations, enterAs, holdable, letters, listed, message, open, openSettings, pause, post, report, say, stays, until, visit, visitAs } from "../browser.mjs";

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
export async function settings() {
  const carol = await visitAs("carol");
  const dialog = carol.locator("dialog.settings");
  await openSettings(carol, "Profile");
  await carol.getByRole("textbox", { name: "About you" }).fill("I row boats");
  await carol.getByRole("textbox", { name: "Handle" }).fill("rowing");
  await carol.getByRole("tab", { name: "Appearance" }).click();
  await carol.getByRole("tab", { name: "Profile" }).click();
  const typed = async () => [await carol.getByRole("textbox", { name: "Handle" }).inputValue(), await carol.getByRole("textbox", { name: "About you" }).inputValue()];
  const kept = await leaves(carol, dialog, typed, ["escape", "back", "cross", "beside"]);

  await openSettings(carol, "Profile");
  const discarded = await typed();
  await carol.getByRole("textbox", { name: "Handle" }).fill("rowing");
  await carol.getByRole("textbox", { name: "About you" }).fill("I row boats ");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.getByText("Saved", { exact: true }).waitFor();
  const { handle, text } = await call("GET", "users/me", "carol");
  const saved = [handle, text];
  await carol.getByRole("textbox", { name: "About you" }).fill("I row");
  await isGone(dialog.getByText("Saved", { exact: true }));
  await carol.getByRole("textbox", { name: "About you" }).fill("I row boats");
  await carol.keyboard.press("Escape");
  await isGone(dialog);
  report("left", { kept, discarded, saved });
}

// Other dialogs follow the same rule; Escape first closes the list of people.
export async function dialogs() {
  const carol = await visitAs("carol");
  const created = carol.getByRole("dialog", { name: "New group" });
  await carol.getByRole("button", { name: "New conversation" }).click();
  await carol.getByRole("button", { name: /^New group/ }).click();
  await created.getByLabel("Group name").fill("Boats");
  await created.getByLabel("Group name").press("Enter");
  // Nobody is in the group yet.
  const isLed = await created.getByLabel("Find people").evaluate((it) => it === document.activeElement);
  await created.getByLabel("Find people").fill("ali");
  await carol.locator(".found [role=option]").first().click();
  await created.getByLabel("Find people").fill("bo");
  await carol.locator(".found [role=option]").first().waitFor();
  await carol.keyboard.press("Escape");
  await isGone(carol.locator(".found"));
  const asked = await question(carol).count();
  await created.getByLabel("Group name").focus();
  const people = async () => [await created.getByLabel("Group name").inputValue(), await created.locator(".chosen li").count()];
  const group = await leaves(carol, created, people, ["escape", "back"]);

  await post("conversations", "carol", { kind: "group", memberIds: ["alice"], name: "Rowers" });
  await open(carol, "Rowers");
  await carol.getByRole("heading", { name: "Rowers" }).click();
  const edited = carol.getByRole("dialog", { name: "Edit group" });
  const edit = () => carol.locator(".panel").getByRole("button", { name: "Edit", exact: true }).click();
  await edit();
  await edited.getByRole("textbox", { name: "Description" }).fill("We row on Sundays");
  const description = await leaves(carol, edited, () => edited.getByRole("textbox", { name: "Description" }).inputValue(), ["escape", "back"]);
  await edit();
  const unchanged = await edited.getByRole("textbox", { name: "Description" }).inputValue();
  await carol.keyboard.press("Escape");
  await isGone(edited);
  report("left", { isLed, asked, group, description, unchanged, questions: await question(carol).count() });
}

// The browser asks before the page goes with what was typed, and only then.
export async function reloads() {
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
  const kept = await name.inputValue();
  await name.fill("");
  await reload();
  await isGone(dialog);
  const typed = asked.splice(0);
  await opened();
  await dialog.getByLabel("Find people").fill("ali");
  await carol.locator(".found [role=option]").first().click();
  await reload();
  const chosen = asked.splice(0);
  await EXITS.cross(carol, dialog);
  await answer(carol, "Discard");
  await isGone(dialog);
  await reload();
  await conversations(carol).first().waitFor();
  report("reloaded", { kept, typed, chosen, closed: asked });
}

// Another language loads the page again, and asks first where that would discard something.
export async function language() {
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
  const kept = await typed();
  await languages.selectOption("de");
  await answer(carol, "Discard");
  await carol.getByRole("button", { name: /^Dein Konto/ }).click();
  await carol.getByRole("menuitem", { name: "Einstellungen" }).click();
  await carol.getByRole("tab", { name: "Darstellung" }).click();
  // Nothing is lost.
  await languages.selectOption("fr");
  await carol.getByRole("button", { name: /^Votre compte/ }).waitFor();
  report("chosen", { kept, isAsBefore: (await call("GET", "users/me", "carol")).text === before });
}

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
export async function problems() {
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
  const found = {};
  for (const [name, show] of Object.entries(OPENED)) {
    await show();
    await carol.context().setOffline(true);
    await isOffline.waitFor();
    await dialog.locator(".buttons .primary, .buttons .destructive").last().click();
    const alert = dialog.getByRole("alert").filter({ hasText: /\S/ }).last();
    await alert.waitFor();
    found[name] = {};
    for (const [width, height] of [[1100, 700], [390, 844], [844, 390]]) {
      await carol.setViewportSize({ width, height });
      found[name][width] = await isInSight(alert);
    }
    await carol.setViewportSize({ width: 1100, height: 700 });
    await carol.context().setOffline(false);
    await isGone(isOffline);
    await leaveForm(dialog);
    await isGone(dialog);
  }
  report("shown", found);
}

// A reply waits with its text while another message is edited, also through a reload.
export async function reply() {
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
  report("replied", {
    texts: items.map(({ content }) => content),
    quoted: items.at(-1).replyTo?.content,
    left: await bob.getByText("Replying to alice").count(),
  });
}

// What the message field makes of a closing colon, of Enter in a block of code, and of a new line in a list.
export async function typing() {
  const bob = await visitAs("bob");
  await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Typing" });
  await open(bob, "Typing");
  const text = () => composer(bob).inputValue();
  const type = async (...keys) => {
    for (const key of keys) await (/^(Shift\+)?Enter$|^Control/.test(key) ? bob.keyboard.press(key) : bob.keyboard.type(key));
  };
  await composer(bob).focus();
  await type("Yes :tada:");
  const completed = await until(text, (value) => value === "Yes 🎉");
  await type("Control+z");
  const undone = await until(text, (value) => value.endsWith(":"));
  await composer(bob).fill("");
  await type("`:tada:` ");
  const inCode = await text();
  await composer(bob).fill("");
  await type("```", "Enter", "a = 1", "Enter", "```");
  const code = await text();
  await type("Enter");
  await until(text, (value) => value === "");
  await type("- milk", "Shift+Enter", "eggs", "Shift+Enter", "Shift+Enter", "end");
  const list = await text();
  await composer(bob).fill("");
  report("typed", { completed, undone, inCode, code, list });
}

// The names of emoji in the reader's language.
export async function germanEmoji() {
  const bob = await visit({ locale: "de-DE" });
  await bob.locator(".demo-other input").fill("bob");
  await bob.locator(".demo-other input").press("Enter");
  await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Daumen" });
  await listed(bob, "Daumen").click();
  await bob.locator(".composer textarea").pressSequentially(":daumen");
  await bob.locator(".completion [role=option]").first().waitFor();
  report("found", { emoji: (await bob.locator(".completion .emoji").allTextContents()).some((sign) => sign.startsWith("👍")) });
}

// PageUp and PageDown in the empty field scroll the conversation, and an arrow key does not lead back.
export async function pages() {
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
  await composer(bob).press("ArrowDown");
  await pause(300);
  const afterArrow = await below();
  await composer(bob).press("PageDown");
  const down = await until(below, (value) => value < 50);
  report("scrolled", {
    up: up > 200,
    stays: Math.abs(afterArrow - up) < 2,
    down: down < 50,
  });
}

// What is saved changes nothing that somebody else, or another device, has changed since the form was opened.
export async function together() {
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

  // What both have changed is replaced when carol knows of it.
  await carol.locator(".panel").getByRole("button", { name: "Edit", exact: true }).click();
  await edited.getByLabel("Name").fill("Carol's");
  await call("PATCH", `conversations/${id}`, "carol", { name: "Somebody's", topic: "Mondays" });
  await carol.getByRole("heading", { name: "Somebody's", includeHidden: true }).first().waitFor({ state: "attached" });
  await edited.getByRole("button", { name: "Save" }).click();
  const problem = edited.getByRole("alert").filter({ hasText: "Somebody else has changed this" });
  await problem.waitFor();
  const warned = {
    problem: await problem.textContent(),
    fields: await edited.locator("input[name=name], input[name=topic]").evaluateAll((all) => all.map((it) => it.value)),
    name: (await call("GET", `conversations/${id}`, "carol")).name,
  };
  await edited.getByRole("button", { name: "Save" }).click();
  await isGone(edited);
  const replaced = await call("GET", `conversations/${id}`, "carol");
  report("replaced", { warned, saved: [replaced.name, replaced.topic] });

  await openSettings(carol, "Profile");
  await carol.getByLabel("About you").fill("I row");
  await call("PATCH", "users/me", "carol", { name: "Carol Carter" });
  await carol.locator(".sidebar header").getByText("Carol Carter").waitFor();
  await carol.getByRole("button", { name: "Save", exact: true }).click();
  await carol.getByText("Saved", { exact: true }).waitFor();
  const me = await call("GET", "users/me", "carol");
  report("saved", { conversation: [name, isPublic, history, topic], me: [me.name, me.text] });
}

// The text of a reply stays when the message that it answers is deleted, before the reply is sent or meanwhile.
export async function deletedMeanwhile() {
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
  const kept = await composer(bob).inputValue();
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
  report("sent", { kept, sent: items.filter(({ senderId }) => senderId === "bob").map(({ content, replyTo }) => [content, replyTo ?? null]) });
}

// A message that bob edits is edited in another tab: he sees that before he replaces it. And an edit that he takes up
// again opens no list of names, wherever the caret was in what he wrote instead.
export async function editedElsewhere() {
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
  const warned = {
    excerpt: await bob.locator(".composing .excerpt").textContent(),
    text: await composer(bob).inputValue(),
    saved: await contentNow(),
  };
  await composer(bob).press("Enter");
  const replaced = await until(contentNow, (content) => content === "The lorry comes at 9 or so");

  const soup = await post("messages", "bob", { conversationId: id, content: "Hi @alice soup today?" });
  await act(bob, "Hi @alice soup today?", "Edit");
  await composer(bob).fill("Hi @alice soup today? At noon.");
  await composer(bob).press("Escape");
  await bob.locator(".toast:popover-open").getByText("Your edit was discarded.").waitFor();
  await composer(bob).pressSequentially("Hello I");
  await bob.getByRole("button", { name: "Undo" }).click();
  await until(() => composer(bob).inputValue(), (value) => value.endsWith("At noon."));
  const lists = await bob.getByRole("listbox").count();
  await composer(bob).press("Enter");
  await bob.getByText("Editing your message").waitFor({ state: "detached" });
  const taken = await until(
    async () => (await call("GET", `messages/${soup.id}`, "bob")).content,
    (content) => content !== "Hi @alice soup today?",
  );
  report("edited", { warned, replaced, lists, taken });
}

// Anyone who begins to reply, or to edit another message, is offered the edit that they leave. What was forwarded has
// no edit.
export async function leftEdit() {
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
  report("left", { taken, last: await composer(bob).inputValue() });
}

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
export async function forwarding() {
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
  const edited = await preview.textContent();
  const before = (await call("GET", `conversations/${target.id}/messages`, "bob")).items.length;
  release();
  await dialog.getByRole("button", { name: "Forward to Buyers" }).click();
  await isGone(dialog);
  const sent = (await call("GET", `conversations/${target.id}/messages`, "bob")).items.map(({ content }) => content);

  await act(bob, "It costs 900", "Forward");
  await dialog.getByLabel("Add a message").fill("Look");
  await dialog.getByRole("textbox", { name: "Filter conversations" }).fill("dave");
  await dialog.getByRole("checkbox", { name: "dave" }).check();
  await call("PATCH", `messages/${posted.id}`, "alice", { content: "It costs 90 after all" });
  await dialog.getByText("The message was edited just now.").waitFor();
  const shown = await preview.textContent();
  hold();
  await call("DELETE", `messages/${posted.id}`, "alice");
  await dialog.getByRole("button", { name: "Forward to dave" }).click();
  await dialog.getByText("The message was deleted. It can no longer be forwarded.").waitFor();
  const left = {
    preview: await preview.textContent(),
    comment: await dialog.getByLabel("Add a message").inputValue(),
    may: await dialog.getByRole("button", { name: "Forward to dave" }).isEnabled(),
  };
  release();
  const opened = await dave.locator(".conversations a").filter({ hasText: "bob" }).count();
  report("forwarded", { edited, before, sent, shown, left, opened });
}

// What was written for an offer or a forward stays when somebody else answers first, or removes the reader.
export async function overMeanwhile() {
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
  const answered = await state("dave rejected this offer meanwhile.", "Description (optional)", "Send offer");
  await discard();

  const countered = await sell("Countered");
  await bob.getByRole("button", { name: "Counter: Boat" }).first().click();
  await write("Description (optional)", "With sails");
  await remove(countered);
  const removed = await state(gone, "Description (optional)", "Send offer");
  await discard();

  const offered = await sell("Offered");
  await bob.getByRole("button", { name: "Offers", exact: true }).click();
  await bob.getByRole("button", { name: "Make an offer" }).click();
  await write("Title", "A raft");
  await remove(offered);
  const made = await state(gone, "Title", "Send offer");
  await discard();

  const forwarded = await sell("Forwarded");
  await act(bob, "Who buys?", "Forward");
  await write("Add a message (optional)", "Look");
  await remove(forwarded);
  const forward = await state(gone, "Add a message (optional)", "Forward");
  await discard();
  report("kept", { answered, removed, made, forward, place: await bob.evaluate(() => location.hash) });
}
