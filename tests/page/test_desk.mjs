// The desk of a team: who handles a conversation, and since when somebody waits.
import { deepEqual, equal, ok } from "node:assert/strict";
import { passesAxe } from "./axe.mjs";
import {
  LOST,
  act,
  call,
  composer,
  holdable,
  letters,
  listed,
  losable,
  message,
  open,
  post,
  say,
  until,
  url,
  visitAs,
  write,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

// What the server answers to the application's back end.
async function asService(token, method, path, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

// The people of a test, which each has a team of its own.
const peopleOf = (team) => ["alice", "bob", "carol"].map((name) => `${name}-${team}`);

// A team of two colleagues, and a conversation of a customer with it.
async function openDesk(token, team, name) {
  const [customer, ...memberIds] = peopleOf(team);
  await asService(token, "PUT", `teams/${team}`, { name: `Team ${team}`, memberIds });
  // Something is in everybody's own list.
  const all = { kind: "group", name: `Everybody of ${team}`, memberIds: [customer, ...memberIds] };
  await asService(token, "POST", "conversations", all);
  const { id } = await asService(token, "POST", "conversations", {
    kind: "group",
    id: `order-${team}`,
    name,
    memberIds: [customer],
    teamIds: [team],
  });
  return id;
}

const deskButton = (page) => page.locator(".side-button").filter({ hasText: "Desk" });
const tab = (page, name) => page.getByRole("tab", { name, exact: true });
const rows = (page) => page.locator(".desk-rows a");
const bar = (page) => page.locator(".desk-bar");
const handling = (page) => bar(page).getByRole("status");
const action = (page, name) => bar(page).getByRole("button", { name, exact: true });
const notes = (page) => page.locator(".panel");
const says = (page, text) => handling(page).getByText(text, { exact: true }).waitFor();

// Opens the desk and the conversation in the list that it begins with.
async function openFromDesk(page, name) {
  await deskButton(page).click();
  await rows(page).filter({ hasText: name }).click();
  await bar(page).waitFor();
}

// A customer waits, two colleagues want the conversation, and it goes from one to the other until it is closed.
test("A customer is served by one colleague after the other", ["service_token"], async ({ serviceToken: token }) => {
  const name = "Order 40";
  await openDesk(token, "journey", name);
  const [, bobsName, carolsName] = peopleOf("journey");
  const [alice, bob, carol] = await Promise.all(
    peopleOf("journey").map((user) => visitAs(user, { viewport: { width: 1400, height: 800 } })),
  );
  await open(alice, name);
  await say(alice, "My cup is broken.");
  await until(() => deskButton(bob).textContent(), (text) => /1 conversation waits/.test(text));
  await openFromDesk(bob, name);
  for (const text of ["alice", "My cup is broken.", "Waiting for less than a minute", "Nobody handles this"])
    await rows(bob).filter({ hasText: name }).getByText(text).waitFor();
  const calls = await holdable(carol);
  await openFromDesk(carol, name);
  await says(carol, "Nobody handles this");
  // Both want it, and bob is faster.
  calls.hold();
  await action(carol, "Take").click();
  await action(bob, "Take").click();
  await says(bob, "You handle this");
  calls.release();
  await carol.getByText(`${bobsName} was faster and handles this conversation now.`).waitFor();
  await says(carol, `${bobsName} handles this`);
  await action(carol, "Take over").click();
  await says(bob, `${carolsName} handles this`);
  // The first note makes the conversation with the notes, which is in nobody's list.
  await action(carol, "Notes").click();
  await write(notes(carol).getByRole("textbox", { name: "Note", exact: true }), "I call her.");
  await message(notes(carol), "I call her.").waitFor();
  await write(notes(carol).getByRole("textbox", { name: "Message", exact: true }), "Nobody answers.");
  await until(() => bar(bob).locator(".desk-notes").textContent(), (text) => /2 new notes/.test(text));
  // To bob again, who answers and closes it.
  await action(carol, "Hand over").click();
  await carol.getByRole("radio", { name: bobsName }).check();
  await carol.getByLabel("Note for the next one").fill("She wants another cup.");
  await carol.locator("dialog").getByRole("button", { name: "Hand over", exact: true }).click();
  await says(bob, "You handle this");
  await bar(bob).locator(".desk-notes").click();
  await message(notes(bob), "She wants another cup.").waitFor();
  deepEqual(await notes(bob).locator(".desk-line > span, .message .text").allTextContents(), [
    "I call her.",
    "Nobody answers.",
    "carol-journey handed the conversation over to bob-journey.",
    "She wants another cup.",
  ]);
  await becomes(() => bar(bob).locator(".desk-notes").textContent(), "Notes");
  await bob.keyboard.press("Escape");
  await say(bob, "A new one is on its way.");
  await message(alice, "A new one is on its way.").waitFor();
  await becomes(() => rows(bob).count(), 0);
  await action(bob, "Close").click();
  await says(carol, "Closed");
  await tab(bob, "Closed").click();
  await rows(bob).filter({ hasText: name }).waitFor();
  await tab(bob, "Waiting").click();
  await say(alice, "It is broken too.");
  await rows(bob).filter({ hasText: name }).waitFor();
  await says(bob, "Nobody handles this");
  // The notes have no name.
  await bob.getByRole("button", { name: "All conversations" }).click();
  equal(await listed(bob, "Group").count(), 0);
  // Nothing of the desk is there for the customer.
  equal(await deskButton(alice).count(), 0);
  equal(await bar(alice).count(), 0);
});

// A desk with a conversation of each kind: one that waits, one that a colleague handles, one that is closed.
async function filledDesk(token, team) {
  const id = await openDesk(token, team, "Order 40");
  const [alice, , carol] = peopleOf(team);
  const send = (conversationId, user, content) => post("messages", user, { conversationId, content });
  for (const [kind, customer] of [["handled", `dave-${team}`], ["closed", `erin-${team}`]]) {
    const other = await asService(token, "POST", "conversations", {
      kind: "group",
      id: `${kind}-${team}`,
      name: `A rather long name of an order that is ${kind}`,
      memberIds: [customer],
      teamIds: [team],
    });
    await send(other.id, customer, "Where is my parcel? It was to come yesterday.");
    if (kind === "handled") await asService(token, "POST", `conversations/${other.id}/claim`, { senderId: carol });
    else await asService(token, "POST", `conversations/${other.id}/close`, { senderId: carol });
  }
  await send(id, alice, "My cup is broken.");
  await asService(token, "POST", `conversations/${id}/notes`, { senderId: carol, content: "She called twice." });
  await asService(token, "POST", `conversations/${id}/handoff`, { senderId: carol, to: team, note: "Who has a cup?" });
  return id;
}

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

// Every screen of the desk, by axe in both looks and at both widths.
async function screens(token, team, viewport) {
  await filledDesk(token, team);
  const bob = await visitAs(peopleOf(team)[1], { viewport });
  const look = async (screen) => {
    await passesAxe(bob, screen);
    ok((await overflow(bob)) <= 0, `${screen} is too wide`);
  };
  await deskButton(bob).waitFor();
  await look("entry");
  await deskButton(bob).click();
  for (const name of ["Mine", "Closed", "All", "Waiting"]) {
    await tab(bob, name).click();
    const text = name === "Mine" ? "You handle no conversation." : /Nobody handles|Closed/;
    await bob.locator(".desk-rows").getByText(text).first().waitFor();
    await look(name);
  }
  await rows(bob).filter({ hasText: "Order 40" }).click();
  await message(bob, "My cup is broken.").waitFor();
  await look("conversation");
  await composer(bob).fill("Which cup?");
  const content = "I have sent another one, with a rather long answer.";
  await post("messages", peopleOf(team)[2], { conversationId: `order-${team}`, content });
  await message(bob, content).waitFor();
  await composer(bob).press("Enter");
  await question(bob).waitFor();
  await look("question");
  await answer(bob, "Keep as draft").click();
  await composer(bob).fill("");
  const handOver = action(bob, "Hand over");
  if (await handOver.isVisible()) await handOver.click();
  else {
    await bar(bob).getByRole("button", { name: "More", exact: true }).click();
    await bob.getByRole("menuitem", { name: "Hand over" }).click();
  }
  await bob.getByRole("radio").first().waitFor();
  await look("hand over");
  await bob.keyboard.press("Escape");
  await bar(bob).locator(".desk-notes").click();
  await message(notes(bob), "Who has a cup?").waitFor();
  await look("notes");
  await bob.keyboard.press("Escape");
  await notes(bob).waitFor({ state: "detached" });
  await bob.locator("[role=log]").first().focus();
  await bob.keyboard.press("?");
  await bob.locator("dialog").getByText("Next waiting conversation").waitFor();
  await look("shortcuts");
}

for (const [width, viewport] of [["wide", { width: 1280, height: 800 }], ["narrow", { width: 320, height: 640 }]])
  test(`Axe finds nothing wrong at the desk on a ${width} screen`, ["service_token"], ({ serviceToken: token }) =>
    screens(token, width, viewport),
  );

// Everything by keys: the desk, its tabs, the next conversation, taking, notes and closing.
test("Keys lead to the next who waits, and take, note and close", ["service_token"], async ({ serviceToken }) => {
  const id = await filledDesk(serviceToken, "keys");
  equal(id, "order-keys");
  const bob = await visitAs(peopleOf("keys")[1]);
  await deskButton(bob).waitFor();
  await bob.keyboard.press("Alt+Shift+D");
  await rows(bob).first().waitFor();
  await tab(bob, "Waiting").focus();
  await bob.keyboard.press("ArrowRight");
  equal(await bob.getByRole("tab", { selected: true }).textContent(), "Mine");
  equal(await bob.evaluate(() => document.activeElement.textContent), "Mine");
  await bob.keyboard.press("ArrowLeft");
  const at = () => bob.evaluate(() => decodeURIComponent(location.hash));
  for (const [key, conversation] of [
    ["Alt+PageDown", "handled-keys"],
    ["Alt+PageDown", id],
    ["Alt+PageDown", id],
    ["Alt+PageUp", "handled-keys"],
    ["Alt+PageDown", id],
  ]) {
    await bob.keyboard.press(key);
    await bar(bob).waitFor();
    equal((await at()).replace("#/conversation/", ""), conversation);
  }
  await says(bob, "Nobody handles this");
  await bob.keyboard.press("Alt+Shift+H");
  await says(bob, "You handle this");
  await bob.keyboard.press("Alt+Shift+N");
  await message(notes(bob), "Who has a cup?").waitFor();
  await bob.keyboard.press("Alt+Shift+N");
  await notes(bob).waitFor({ state: "detached" });
  await bob.keyboard.press("Alt+Shift+C");
  await says(bob, "Closed");
  await bob.keyboard.press("Alt+Shift+D");
  await deskButton(bob).waitFor();
});

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

test("On a phone, Back leads from notes over conversation and desk to the list", ["service_token"], async (given) => {
  await filledDesk(given.serviceToken, "phone");
  const bob = await visitAs(peopleOf("phone")[1], PHONE);
  await deskButton(bob).tap();
  await rows(bob).filter({ hasText: "Order 40" }).tap();
  await message(bob, "My cup is broken.").waitFor();
  await bar(bob).locator(".desk-notes").tap();
  await message(notes(bob), "Who has a cup?").waitFor();
  // The topmost of what is visible.
  const shown = async () => {
    const places = { notes: notes(bob), conversation: bar(bob), desk: rows(bob).first(), list: deskButton(bob) };
    for (const [name, locator] of Object.entries(places)) if (await locator.isVisible()) return name;
  };
  equal(await shown(), "notes");
  for (const [name, next] of [["conversation", bar(bob)], ["desk", rows(bob).first()], ["list", deskButton(bob)]]) {
    await bob.goBack();
    await next.waitFor();
    equal(await shown(), name);
  }
});

// A conversation that is not in the reader's list: its messages come live, who types is seen, and nothing is unread.
test("A conversation outside the list is live and nothing in it is unread", ["service_token"], async (given) => {
  const id = await filledDesk(given.serviceToken, "unlisted");
  const [customer, colleague] = peopleOf("unlisted");
  const bob = await visitAs(colleague, { path: `/#/conversation/${id}` });
  await bar(bob).waitFor();
  await says(bob, "Nobody handles this");
  const alice = await visitAs(customer);
  equal(await bob.title(), "Talkwire");
  await open(alice, "Order 40");
  await composer(alice).pressSequentially("And the saucer");
  await bob.locator(".typing").getByText(`${customer} is typing`).waitFor();
  await composer(alice).press("Enter");
  await message(bob, "And the saucer").waitFor();
  // Notes to which an address leads are beside what they are about.
  const { notesId } = await call("GET", `conversations/${id}`, colleague);
  await bob.goto(`${url}/#/conversation/${notesId}`);
  await message(notes(bob), "She called twice.").waitFor();
  const address = await until(() => bob.evaluate(() => location.hash), (hash) => hash.endsWith(id));
  ok(address.endsWith(id), address);
  equal(await listed(bob, "Order 40").count(), 0);
});

const question = (page) => page.locator(".answer-question");
const answer = (page, name) => question(page).getByRole("button", { name, exact: true });
// What screen readers read as soon as it appears.
const asked = async (page) => (await question(page).getByRole("alert").textContent()).replaceAll(/\s+/g, " ").trim();
const focused = (page) => page.evaluate(() => document.activeElement.textContent || document.activeElement.localName);

// Notes in the page on what the messages depend that it sends.
function noteConditions() {
  const send = WebSocket.prototype.send;
  window.conditions = [];
  WebSocket.prototype.send = function (data) {
    const [, sent] = /"message:send",(\{.*\})\]$/.exec(data) ?? [];
    if (sent !== undefined) {
      const { content, ifLastSeq, ifHandler } = JSON.parse(sent);
      window.conditions.push([content, ifLastSeq ?? null, ifHandler === undefined ? "-" : ifHandler]);
    }
    return send.call(this, data);
  };
}

// Two colleagues write to the same customer: the second answer waits until its author has decided.
test("A second answer waits until its author has decided", ["service_token"], async ({ serviceToken: token }) => {
  const name = "Order 40";
  const id = await openDesk(token, "collision", name);
  const [customer, bobsName, carolsName] = peopleOf("collision");
  const network = await losable();
  const init = noteConditions;
  const viewport = { width: 1400, height: 800 };
  const [alice, bob, carol] = await Promise.all([
    visitAs(customer, { viewport, init }),
    visitAs(bobsName, { viewport, init, at: network.at, expected: LOST }),
    visitAs(carolsName, { viewport }),
  ]);
  await open(alice, name);
  await say(alice, "My cup is broken.");
  for (const page of [bob, carol]) {
    await openFromDesk(page, name);
    await message(page, "My cup is broken.").waitFor();
  }
  // The customer alone stops nothing.
  await composer(bob).pressSequentially("I am sorry.");
  await carol.locator(".typing").getByText(`${bobsName} is typing`).waitFor();
  await say(alice, "It was a gift.");
  await message(bob, "It was a gift.").waitFor();
  await composer(bob).press("Enter");
  await message(alice, "I am sorry.").waitFor();
  // A colleague is faster than an answer with a file, which becomes a draft again.
  await act(bob, "It was a gift.", "Reply");
  const file = { name: "cup.txt", mimeType: "text/plain", buffer: Buffer.from("1") };
  await bob.locator(".composer input[type=file]").setInputFiles(file);
  await composer(bob).fill("This one?");
  await say(carol, "I have sent another one.");
  await message(bob, "I have sent another one.").waitFor();
  await composer(bob).press("Enter");
  equal(await asked(bob), `${carolsName} answered meanwhile: I have sent another one. Send yours anyway?`);
  await becomes(() => focused(bob), "Keep as draft");
  equal(await letters(bob).locator(".problem").count(), 0);
  await bob.keyboard.press("Escape");
  await question(bob).waitFor({ state: "detached" });
  equal(await composer(bob).inputValue(), "This one?");
  equal(await bob.locator(".composer .tray li").count(), 1);
  equal(await bob.locator(".composing").textContent(), "Replying to alice-collisionIt was a gift.Cancel");
  equal(await letters(bob).count(), 0);
  equal(await focused(bob), "This one?");
  // What the question shows counts as seen.
  await composer(bob).press("Enter");
  await message(alice, "This one?").waitFor();
  const sent = alice.locator(".message").filter({ hasText: "This one?" });
  equal(await sent.locator(".quote, .attached, .file").count(), 1);
  // A colleague takes the conversation over, while the reader is elsewhere with their draft.
  await composer(bob).fill("I call you.");
  await bob.getByRole("button", { name: "All conversations" }).click();
  await open(bob, "Everybody of collision");
  await action(carol, "Take").click();
  await says(carol, "You handle this");
  await open(bob, name);
  await says(bob, `${carolsName} handles this`);
  await composer(bob).press("Enter");
  equal(await asked(bob), `${carolsName} handles this conversation now. Send yours anyway?`);
  await answer(bob, "Send anyway").click();
  await message(alice, "I call you.").waitFor();
  equal(await focused(bob), "textarea");
  // What it depends on: who handles the conversation. After a customer's message, it is sent again at once.
  deepEqual(
    (await bob.evaluate(() => window.conditions)).map(([content, , handler]) => [content, handler]),
    [
      ["I am sorry.", null],
      ["I am sorry.", null],
      ["This one?", null],
      ["This one?", null],
      ["I call you.", null],
      ["I call you.", carolsName],
    ],
  );
  // Without a connection, the question comes with it.
  network.lose();
  await bob.locator("p.connection").first().waitFor();
  await write(composer(bob), "Tomorrow at ten?");
  await say(carol, "At nine?");
  await message(alice, "At nine?").waitFor();
  await network.restore(bob);
  equal(await asked(bob), `${carolsName} answered meanwhile: At nine? Send yours anyway?`);
  equal(await message(alice, "Tomorrow at ten?").count(), 0);
  await bob.reload();
  await bar(bob).waitFor();
  await answer(bob, "Send anyway").click();
  await message(alice, "Tomorrow at ten?").waitFor();
  const { items } = await call("GET", `conversations/${id}/messages`, carolsName);
  deepEqual(
    items.toSorted((one, other) => one.seq - other.seq).map(({ content }) => content),
    [
      "My cup is broken.",
      "It was a gift.",
      "I am sorry.",
      "I have sent another one.",
      "This one?",
      "I call you.",
      "At nine?",
      "Tomorrow at ten?",
    ],
  );
  deepEqual(await alice.evaluate(() => window.conditions), [
    ["My cup is broken.", null, "-"],
    ["It was a gift.", null, "-"],
  ]);
});
