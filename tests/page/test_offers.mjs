// Offers: made, answered and withdrawn by members that may, and where they stand among messages.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  LOST,
  act,
  call,
  composer,
  conversations,
  field,
  kept,
  listed,
  markAllAsRead,
  message,
  open,
  opened,
  post,
  say,
  start,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const DAY_MS = 24 * 3_600_000;

/** What screen readers call an offer, after who made it and when. */
const called = (title) => new RegExp(`: Offer: ${title}$`);
const card = (page, title) => page.locator(".conversation").getByRole("article", { name: called(title) });
/** The line above a card, with its author. */
const signed = (page, title) => card(page, title).locator("xpath=preceding-sibling::header");
const status = (page, title) => card(page, title).locator(".status");
const button = (page, name) => page.getByRole("button", { name, exact: true });
const currencies = (page) => page.getByRole("combobox", { name: "Currency" });
const names = (page, title) => card(page, title).locator(".buttons").getByRole("button").allTextContents();
const is = (page, title, text) => status(page, title).getByText(text, { exact: true }).waitFor();

async function make(page, fields, currency) {
  await button(page, "Make an offer").click();
  await fill(page, fields, currency);
}

// Why an amount is refused: with the sign of decimals between thousands, and with too many decimals.
test("An amount that is refused says why", [], async () => {
  await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Amounts" });
  const alice = await visitAs("alice");
  await open(alice, "Amounts");
  await button(alice, "Offers").click();
  await make(alice, { Title: "Bike", Amount: "1.000" });
  const problem = alice.locator("dialog[open] [role=alert]");
  const thousand = await until(() => problem.textContent(), (text) => text !== "");
  equal(thousand, "Here, “.” separates decimals. Enter 1000 if you mean that.");
  await fill(alice, { Amount: "1.0005" });
  equal(
    await until(() => problem.textContent(), (text) => text !== thousand),
    "Enter an amount such as 120, with up to 2 decimals.",
  );
});

async function fill(page, fields, currency) {
  for (const [label, value] of Object.entries(fields)) await field(page, label).fill(value);
  if (currency !== undefined) await currencies(page).selectOption(currency);
  await button(page, "Send offer").click();
}

const closed = (page) => page.locator("dialog[open]").waitFor({ state: "detached" });

test("Two bargain", [], async () => {
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  await start(alice, ["bob"]);
  await opened(alice, "bob");
  await say(alice, "I sell my bike");
  await open(bob, "alice");
  await message(bob, "I sell my bike").waitFor();
  await button(alice, "Offers").click();
  await make(alice, { "Title": "Bike", Amount: "a lot" }, "JPY");
  await alice.getByText("Enter a whole amount").waitFor();
  await currencies(alice).selectOption("EUR");
  await field(alice, "Amount").fill("1,200.50");
  await button(alice, "Send offer").click();
  await closed(alice);
  for (const page of [alice, bob]) await is(page, "Bike", "Open");
  equal(await card(bob, "Bike").locator(".amount").textContent(), "€1,200.50");
  deepEqual(await names(alice, "Bike"), ["Withdraw"]);
  deepEqual(await names(bob, "Bike"), ["Accept", "Counter", "Reject"]);
  deepEqual(
    await card(bob, "Bike").locator(".buttons button").evaluateAll((all) => all.map((each) => each.className)),
    ["primary", "", "quiet"],
  );
  const [{ amount, currency, conversationId }] = (await stored(bob)).items;
  await say(alice, "What do you say?");
  await message(bob, "What do you say?").waitFor();

  await button(bob, "Counter: Bike").click();
  equal(await field(bob, "Amount").inputValue(), "1200.50");
  await fill(bob, { "Title": "Bike with lock", Amount: "1000" });
  await closed(bob);
  await is(alice, "Bike", "Countered");
  await button(alice.locator(".conversation"), "Accept: Bike with lock").click();
  await alice.getByRole("dialog").getByRole("button", { name: "Accept", exact: true }).click();
  for (const page of [alice, bob]) await is(page, "Bike with lock", "Accepted");
  deepEqual(
    await bob.locator(".conversation .scroller").locator(".message .text, .offer .what").allTextContents(),
    ["I sell my bike", "Bike", "What do you say?", "Bike with lock"],
  );
  equal(amount, 120_050);
  equal(currency, "EUR");

  // What is withdrawn, rejected, or over because of its time.
  const offer = (title, more = {}) =>
    post(`conversations/${conversationId}/offers`, "alice", { title, amount: 5, currency: "KWD", ...more });
  await offer("Withdrawn");
  await button(alice.locator(".conversation"), "Withdraw: Withdrawn").click();
  const withdrawing = alice.getByRole("dialog", { name: "Withdraw “Withdrawn” for KWD 0.005?" });
  equal(
    await withdrawing.locator("p").first().textContent(),
    "The offer is over for everyone in this conversation, who will see that you withdrew it. This can't be undone.",
  );
  await withdrawing.getByRole("button", { name: "Cancel" }).click();
  equal(await status(alice, "Withdrawn").textContent(), "Open");
  await button(alice.locator(".conversation"), "Withdraw: Withdrawn").click();
  await withdrawing.getByRole("button", { name: "Withdraw", exact: true }).click();
  await offer("Rejected");
  await button(bob, "Reject: Rejected").click();
  const question = bob.getByRole("dialog", { name: "Reject “Rejected” for KWD 0.005?" });
  await question.waitFor();
  equal(await status(alice, "Rejected").textContent(), "Open");
  await question.getByRole("button", { name: "Reject", exact: true }).click();
  // The server takes none that is over already.
  await offer("Short", { expiresAt: new Date(Date.now() + 5_000).toISOString() });
  for (const page of [alice, bob]) {
    await is(page, "Withdrawn", "Withdrawn");
    await is(page, "Rejected", "Rejected");
    await is(page, "Short", "Expired");
  }
  await bob.reload();
  await is(bob, "Short", "Expired");
  equal(await card(alice, "Rejected").locator(".standing").innerText(), "Rejected\nRejected by bob");
  deepEqual(
    await until(
      () => alice.locator(".notice-line > span").allTextContents(),
      (all) => all.length === 3,
    ),
    [
      "You accepted the offer “Bike with lock” for €1,000.00",
      "You withdrew the offer “Withdrawn” for KWD\u00a00.005",
      "bob rejected the offer “Rejected” for KWD\u00a00.005",
    ],
  );
  equal(await bob.locator(".conversation .offer .buttons button").count(), 0);
  deepEqual(
    await alice.locator(".panel .offer .what").allTextContents(),
    ["Short", "Rejected", "Withdrawn", "Bike with lock", "Bike"],
  );
});

const stored = async (page) => {
  const id = decodeURIComponent(new URL(page.url()).hash.split("/").at(-1));
  return call("GET", `conversations/${id}/offers`, "bob");
};

// Offers before anything was said, and far back among many messages: pages of messages stay in their places.
test("Offers stand where they were made", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Market" });
  const path = `conversations/${id}/offers`;
  await post(path, "alice", { title: "First of all", amount: 100, currency: "EUR" });
  const bob = await visitAs("bob");
  await open(bob, "Market");
  await card(bob, "First of all").waitFor();
  for (let number = 1; number <= 130; number++) {
    await post("messages", "alice", { conversationId: id, content: `Message ${number}` });
    if (number === 40) await post(path, "alice", { title: "In the middle", amount: 100, currency: "EUR" });
  }
  await post(`conversations/${id}/read`, "bob", {});
  await bob.reload();
  await message(bob, "Message 130").waitFor();
  await composer(bob).waitFor();
  const scroller = bob.locator(".scroller");
  const above = bob.locator(".message, .offer");
  // In steps shorter than what is in the document, each drawn before the next.
  const upTo = async (content, title) => {
    while ((await message(bob, content).count()) === 0) {
      await scroller.evaluate((it) => (it.scrollTop -= it.clientHeight / 2));
      await bob.waitForFunction(() => {
        const { left, top, width, height } = document.querySelector(".scroller").getBoundingClientRect();
        const rows = [...document.querySelectorAll(".row")].map((each) => each.getBoundingClientRect());
        return rows.some((row) => row.left < left + width && row.top <= top + height / 2 && row.bottom >= top + height / 2);
      });
    }
    // In the middle of the screen, it has neighbours in the document.
    await message(bob, content).evaluate((it) => it.scrollIntoView({ block: "center" }));
    // A card is loaded when it first comes into sight, and drawn a moment after its row.
    await card(bob, title).waitFor();
  };
  await upTo("Message 41", "In the middle");
  await card(bob, "In the middle").evaluate((it) => it.scrollIntoView({ block: "center" }));
  const next = () =>
    above.evaluateAll((all) => {
      const at = all.findIndex((each) => each.matches(".offer") && each.textContent.includes("In the middle"));
      return at === -1 ? [] : [all[at - 1], all[at + 1]].map((each) => /Message \d+/.exec(each?.textContent ?? "")?.[0]);
    });
  deepEqual(await until(next, ([before, after]) => before !== undefined && after !== undefined), [
    "Message 40",
    "Message 41",
  ]);
  await upTo("Message 1", "First of all");
  equal(/Message \d+/.exec(await bob.locator(".message").first().textContent())?.[0], "Message 1");
});

// An offer below the screen, which is read when its card comes into sight.
test("An offer is unread until it is in sight", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Auction" });
  for (let number = 1; number <= 40; number++) await post("messages", "alice", { conversationId: id, content: `Message ${number}` });
  await post(`conversations/${id}/offers`, "alice", { title: "The last lot", amount: 100, currency: "EUR" });
  const unread = async () => {
    const { items } = await call("GET", "notifications?unread=true&limit=100", "bob");
    return items.filter(({ type, conversationId }) => type === "offer" && conversationId === id).length;
  };
  const bob = await visitAs("bob");
  await until(unread, (count) => count === 1);
  await open(bob, "Auction");
  await message(bob, "Message 1").waitFor();
  // What is in sight is reported after half a second.
  await until(async () => (await call("GET", `conversations/${id}`, "bob")).unreadCount, (count) => count < 40);
  equal(await unread(), 1);
  await bob.locator(".scroller").focus();
  await bob.keyboard.press("End");
  await card(bob, "The last lot").waitFor();
  await becomes(unread, 0);
});

// The answer to an offer far above is read where a notice says it. What nobody has looked at stays unread.
test("The answer to an offer far above is read in its notice", [], async () => {
  const { id } = await post("conversations", "carol", { kind: "group", memberIds: ["bob"], name: "Pawnshop" });
  const offer = (title) => post(`conversations/${id}/offers`, "carol", { title, amount: 100, currency: "EUR" });
  const [ring, watch] = [await offer("Ring"), await offer("Watch")];
  const talk = async (part) => {
    for (let number = 1; number <= 40; number++)
      await post("messages", "bob", { conversationId: id, content: `${part} ${number}` });
  };
  await talk("Early");
  await call("PATCH", `offers/${watch.id}`, "bob", { status: "accepted" });
  await talk("Late");
  await call("PATCH", `offers/${ring.id}`, "bob", { status: "rejected" });
  await post(`conversations/${id}/read`, "carol", {});
  const carol = await visitAs("carol");
  const badge = listed(carol, "Pawnshop").locator(".count");
  equal(await badge.textContent(), "2");
  await open(carol, "Pawnshop");
  await carol.getByText("bob rejected the offer “Ring”").waitFor();
  await badge.getByText("1", { exact: true }).waitFor();
  const { items } = await call("GET", "notifications?unread=true&limit=100", "carol");
  deepEqual(items.filter(({ conversationId }) => conversationId === id).map(({ offerId }) => offerId), [watch.id]);
  equal(await card(carol, "Ring").count(), 0);
});

// In a muted conversation too, an offer counts as unread until its card is in sight.
test("An offer counts in a muted conversation too", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Whispers" });
  await call("PATCH", `conversations/${id}/preferences`, "bob", { muted: true });
  await post("messages", "alice", { conversationId: id, content: "Sh!" });
  await post(`conversations/${id}/read`, "bob", {});
  const bob = await visitAs("bob");
  const entry = listed(bob, "Whispers");
  await entry.waitFor();
  const offer = (title) => post(`conversations/${id}/offers`, "alice", { title, amount: 100, currency: "EUR" });
  const shows = (count) => entry.locator(".count").getByText(count, { exact: true }).waitFor();
  await offer("A feather");
  await shows("1");
  await offer("A whisper");
  await shows("2");
  await bob.reload();
  await shows("2");
  const { items } = await call("GET", "notifications?limit=100", "bob");
  equal(items.filter(({ conversationId, type }) => conversationId === id && type !== "invitation").length, 0);
  await open(bob, "Whispers");
  await card(bob, "A whisper").waitFor();
  await entry.locator(".count").waitFor({ state: "detached" });
  const { unreadOfferCount = 0 } = await call("GET", `conversations/${id}`, "bob");
  equal(unreadOfferCount, 0);
});

// Marking everything as read reads the offers too, also where nothing else is unread or the conversation is muted.
test("Marking everything as read reads offers", ["crowded_server"], async () => {
  const ids = [];
  for (const [name, muted] of [["Stalls", false], ["Quiet stalls", true]]) {
    const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name });
    await call("PATCH", `conversations/${id}/preferences`, "bob", { muted });
    await post(`conversations/${id}/offers`, "alice", { title: "A lamp", amount: 100, currency: "EUR" });
    ids.push(id);
  }
  const bob = await visitAs("bob");
  for (const name of ["Stalls", "Quiet stalls"]) await listed(bob, name).locator(".count").waitFor();
  await markAllAsRead(bob);
  for (const name of ["Stalls", "Quiet stalls"]) await listed(bob, name).locator(".count").waitFor({ state: "detached" });
  const left = async (id) => (await call("GET", `conversations/${id}`, "bob")).unreadOfferCount ?? 0;
  deepEqual([await until(() => left(ids[0]), (n) => n === 0), await until(() => left(ids[1]), (n) => n === 0)], [0, 0]);
});

// So does marking one conversation as read: in the list, where nothing else is unread, and after a jump over the offer.
test("Marking a conversation as read reads its offers", [], async () => {
  const ids = {};
  for (const [name, count] of [["Counter", 0], ["Long counter", 40]]) {
    const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name });
    const talk = async (part) => {
      for (let number = 1; number <= count; number++)
        await post("messages", "alice", { conversationId: id, content: `${part} ${number}` });
    };
    await talk("Early");
    await post(`conversations/${id}/offers`, "alice", { title: "A lamp", amount: 100, currency: "EUR" });
    await talk("Late");
    ids[name] = id;
  }
  const left = async (id) => {
    const { unreadCount = 0, unreadOfferCount = 0 } = await call("GET", `conversations/${id}`, "bob");
    return unreadCount + unreadOfferCount;
  };
  await post(`conversations/${ids.Counter}/read`, "bob", {});
  const bob = await visitAs("bob");
  const isRead = async (name) => {
    await listed(bob, name).locator(".count").waitFor({ state: "detached" });
    return until(() => left(ids[name]), (count) => count === 0);
  };
  await listed(bob, "Counter").locator(".count").getByText("1", { exact: true }).waitFor();
  await listed(bob, "Counter").click({ button: "right" });
  await bob.getByRole("menuitem", { name: "Mark as read" }).click();
  equal(await isRead("Counter"), 0);
  await open(bob, "Long counter");
  await message(bob, "Early 1").waitFor();
  await bob.getByRole("button", { name: /^Jump to newest/ }).click();
  await message(bob, "Late 40").waitFor();
  await bob.locator(".to-unseen").getByRole("button", { name: "Mark as read" }).click();
  equal(await isRead("Long counter"), 0);
});

// What is unread starts at an offer that came before the unread messages. A jump over it leaves it unread.
test("What is unread starts at an offer", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Flea market" });
  await post("messages", "alice", { conversationId: id, content: "Read before" });
  const before = await visitAs("bob");
  await open(before, "Flea market");
  await until(async () => (await call("GET", `conversations/${id}`, "bob")).unreadCount, (count) => count === 0);
  await before.close();
  await post(`conversations/${id}/offers`, "alice", { title: "Two chairs", amount: 100, currency: "EUR" });
  for (let number = 1; number <= 30; number++)
    await post("messages", "alice", { conversationId: id, content: `Afterwards ${number}` });
  const bob = await visitAs("bob");
  equal(await listed(bob, "Flea market").locator(".count").textContent(), "31");
  await bob.keyboard.press("Control+k");
  const choice = bob.getByRole("dialog").getByRole("option").filter({ hasText: "Flea market" });
  equal(await choice.locator(".count").textContent(), "31");
  await bob.keyboard.press("Escape");
  await open(bob, "Flea market");
  const line = bob.locator(".unread-from");
  await line.waitFor();
  equal(await line.count(), 1);
  const [top, { y }] = [await line.evaluate((it) => it.getBoundingClientRect().top), await card(bob, "Two chairs").boundingBox()];
  const frame = await bob.locator(".scroller").boundingBox();
  ok(top < y);
  ok(y > frame.y && y < frame.y + frame.height);
});

// Many offers in a row stand beside one message: what is unread among them is at the top of the screen.
test("A conversation opens at the first unread of many offers", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Long counter of offers" });
  await post("messages", "bob", { conversationId: id, content: "The only text" });
  const offer = (number, user) =>
    post(`conversations/${id}/offers`, user, { title: `Chair ${number}`, amount: 100, currency: "EUR" });
  for (let number = 1; number <= 12; number++) await offer(number, "bob");
  await post("conversations", "bob", { kind: "group", memberIds: ["alice"], name: "Off the counter" });
  const bob = await visitAs("bob");
  await open(bob, "Long counter of offers");
  await message(bob, "The only text").waitFor();
  await bob.locator(".scroller").press("End");
  await card(bob, "Chair 12").waitFor();
  await open(bob, "Off the counter");
  for (let number = 13; number <= 20; number++) await offer(number, "alice");
  await listed(bob, "Long counter of offers").locator(".count").getByText("8").waitFor();
  await open(bob, "Long counter of offers");
  const line = bob.locator(".unread-from");
  const fromTop = async () => {
    const frame = await bob.locator(".scroller").boundingBox();
    return (await line.boundingBox())?.y - frame.y;
  };
  const top = await until(fromTop, (pixels) => Math.abs(pixels) < 20);
  ok(Math.abs(top) < 20);
  // A reader who scrolls is not held there.
  await bob.locator(".scroller").hover();
  await bob.mouse.wheel(0, -600);
  const moved = await until(fromTop, (pixels) => pixels > 300);
  ok(moved > 300);
});

// What was loaded of a conversation is there after a reload without a network; of another one, the panel says that it is not.
test("Offers outlive a reload without the server, or their list says that it waits", [], async () => {
  const ids = {};
  for (const name of ["Opened", "Never opened"]) {
    ids[name] = (await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name })).id;
    await post("messages", "bob", { conversationId: ids[name], content: "Hello" });
    await post(`conversations/${ids[name]}/offers`, "bob", { title: `In ${name}`, amount: 5, currency: "EUR" });
  }
  const alice = await visitAs("alice", { expected: LOST, installs: true });
  await open(alice, "Opened");
  await is(alice, "In Opened", "Open");
  await button(alice, "Offers").click();
  const panel = alice.locator(".panel");
  await panel.getByRole("article").waitFor();
  await alice.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await until(() => kept(alice, "timelines"), (all) => all.includes("In Opened"));
  await alice.context().setOffline(true);
  await alice.reload();
  await is(alice, "In Opened", "Open");
  await button(alice, "Offers").click();
  await panel.getByRole("article").waitFor();
  equal(await panel.getByRole("article").count(), 1);
  await open(alice, "Never opened");
  await button(alice, "Offers").click();
  equal(await panel.getByRole("heading", { level: 2 }).last().textContent(), "The list of offers needs a connection.");
  equal(await button(panel, "Make an offer").count(), 0);
  await alice.context().setOffline(false);
  await panel.getByRole("article", { name: "In Never opened" }).waitFor();
  await button(panel, "Make an offer").waitFor();
});

// Holds back what the page asks for there, until the returned function is called.
async function held(page, path) {
  let answer;
  const answering = new Promise((resolve) => (answer = resolve));
  await page.route(path, (route) => answering.then(() => route.fallback()));
  return answer;
}

// Who has left is named by a message, by what the server answers or by a notice; where none of them is known, by no id.
test("Who has left is named on offers and reactions, and never by an id", [], async () => {
  const people = { m163: "Maya", b164: "Bela", d165: "Dora" };
  for (const [id, name] of Object.entries(people)) await call("PATCH", "users/me", id, { name });
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: Object.keys(people), name: "Attic" });
  await post("messages", "m163", { conversationId: id, content: "I sell a lamp" });
  await post(`conversations/${id}/offers`, "m163", { title: "Lamp", amount: 100, currency: "EUR" });
  const chair = await post(`conversations/${id}/offers`, "alice", { title: "Chair", amount: 100, currency: "EUR" });
  await call("PATCH", `offers/${chair.id}`, "b164", { status: "accepted" });
  const asked = await post("messages", "alice", { conversationId: id, content: "Who is here?" });
  await call("PUT", `messages/${asked.id}/reactions/👍`, "d165");
  for (const each of Object.keys(people)) await call("DELETE", `conversations/${id}/members/${each}`, each);

  // As high as all of it.
  const alice = await visitAs("alice", { viewport: { width: 1280, height: 1000 } });
  const answerUsers = await held(alice, /users\/b164/);
  const answerNotices = await held(alice, /\/notices\?/);
  await open(alice, "Attic");
  const answerer = card(alice, "Chair").locator(".standing");
  const reaction = message(alice, "Who is here?").locator("xpath=ancestor::article").getByRole("button", { name: /👍/ });
  const shown = async () => [
    await signed(alice, "Lamp").locator(".name").textContent(),
    await answerer.innerText(),
    await reaction.getAttribute("title"),
  ];
  await card(alice, "Chair").waitFor();
  deepEqual(await shown(), ["Maya", "Accepted\nAccepted by someone", "Someone reacted with 👍"]);
  answerUsers();
  await answerer.getByText("by Bela").waitFor();
  answerNotices();
  await until(() => reaction.getAttribute("title"), (title) => title.includes("Dora"));
  deepEqual(await shown(), ["Maya", "Accepted\nAccepted by Bela", "Dora reacted with 👍"]);
  await button(alice, "Offers").click();
  const parts = alice.locator(".panel .offer").locator(".author, .standing");
  deepEqual(
    await until(() => parts.allInnerTexts(), (texts) => texts.length === 4),
    ["Your offer", "Accepted\nby Bela", "Offer from Maya", "Open\nIts author is no longer in this conversation."],
  );
  await act(alice, "Who is here?", "Reactions");
  equal(await alice.getByRole("dialog", { name: "Reactions" }).locator(".receipt-name").first().textContent(), "Dora");
});

// An offer that is withdrawn without the server says that it cannot be reached, until it can.
test("That the server cannot be reached is over with the next connection", [], async () => {
  const alice = await visitAs("alice", { expected: LOST });
  await start(alice, ["bob"]);
  await opened(alice, "bob");
  await button(alice, "Offers").click();
  await make(alice, { Title: "Lamp", Amount: "20" });
  await closed(alice);
  await is(alice, "Lamp", "Open");
  await alice.context().setOffline(true);
  await alice.locator(".connection").first().waitFor();
  await card(alice, "Lamp").getByRole("button", { name: /^Withdraw/ }).click();
  const question = alice.getByRole("dialog", { name: /^Withdraw/ });
  await question.getByRole("button", { name: "Withdraw", exact: true }).click();
  const problem = question.locator(".problem:not(:empty)");
  await problem.waitFor();
  equal(await problem.textContent(), "The server cannot be reached.");
  await alice.context().setOffline(false);
  await problem.waitFor({ state: "detached" });
  await question.getByRole("button", { name: "Cancel" }).click();
  deepEqual(await names(alice, "Lamp"), ["Withdraw"]);
});

// The button to the newest counts offers as the list does.
test("The button to the newest counts offers", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Crowd" });
  for (let number = 0; number < 40; number++)
    await post("messages", "bob", { conversationId: id, content: `Voice ${number}` });
  await post(`conversations/${id}/offers`, "bob", { title: "Bell", amount: 100, currency: "EUR" });
  const alice = await visitAs("alice");
  await open(alice, "Crowd");
  const newest = alice.getByRole("button", { name: /^Jump to newest/ });
  // The number stands there twice: to be seen and to be heard.
  const count = async (place) => /(\d+)\1 unread/.exec(await place.textContent())?.[1];
  const counts = async () => [await count(newest), await count(listed(alice, "Crowd"))];
  const [below, all] = await until(counts, ([one, other]) => one !== undefined && one === other);
  equal(below, all);
});

// The question before an answer stays when somebody else has decided, and says so.
test("A question says that somebody else has decided", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Stall" });
  const offer = await post(`conversations/${id}/offers`, "carol", { title: "Drum", amount: 100, currency: "EUR" });
  const bob = await visitAs("bob");
  await open(bob, "Stall");
  await card(bob, "Drum").getByRole("button", { name: /^Accept/ }).click();
  const question = bob.getByRole("dialog", { name: /^Accept/ });
  const accept = question.getByRole("button", { name: "Accept", exact: true });
  await accept.waitFor();
  await call("PATCH", `offers/${offer.id}`, "alice", { status: "accepted" });
  await question.getByText("alice accepted this offer meanwhile.").waitFor();
  equal(await accept.isEnabled(), false);
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "detached" });
  deepEqual(await names(bob, "Drum"), []);
});

// The panel has no lines for days, so its cards say the day. Among the messages, such a line is above.
test("The list of offers says their day", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Yard sale" });
  await post(`conversations/${id}/offers`, "bob", { title: "Ladder", amount: 100, currency: "EUR" });
  const alice = await visitAs("alice");
  await alice.clock.setFixedTime(Date.now() + DAY_MS);
  await open(alice, "Yard sale");
  await button(alice, "Offers").click();
  equal(await alice.locator(".panel .offer header time").textContent(), "yesterday");
  ok(/^\d+:\d\d/.test(await signed(alice, "Ladder").locator("time").textContent()));
});

// Many cards scroll, and do not squeeze the button above them.
test("Many offers do not squeeze the button above them", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Fair" });
  const offer = (title) => post(`conversations/${id}/offers`, "bob", { title, amount: 100, currency: "EUR" });
  await offer("Stall 0");
  const alice = await visitAs("alice");
  await open(alice, "Fair");
  await button(alice, "Offers").click();
  const cards = alice.locator(".panel").getByRole("article");
  await cards.first().waitFor();
  const height = async () => (await button(alice.locator(".panel"), "Make an offer").boundingBox()).height;
  const one = await height();
  for (let number = 1; number < 8; number++) await offer(`Stall ${number}`);
  await until(() => cards.count(), (count) => count === 8);
  equal(await height(), one);
});

// A counter-offer ends when the offer does, unless its author chooses something else.
test("A counter-offer ends when the offer does", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Bazaar" });
  const expiresAt = new Date(Date.now() + 5 * DAY_MS).toISOString();
  await post(`conversations/${id}/offers`, "bob", { title: "Rug", amount: 100, currency: "EUR", expiresAt });
  await post(`conversations/${id}/offers`, "bob", { title: "Vase", amount: 100, currency: "EUR" });
  const alice = await visitAs("alice", { timezoneId: "Asia/Kathmandu" });
  await open(alice, "Bazaar");
  const expiry = alice.getByRole("combobox", { name: "Expires after" });
  await button(alice, "Counter: Vase").click();
  equal(await expiry.inputValue(), "never");
  equal(await alice.getByLabel("Amount", { exact: true }).evaluate((it) => it === document.activeElement), true);
  await button(alice, "Cancel").click();
  await closed(alice);
  await button(alice, "Counter: Rug").click();
  equal(await expiry.inputValue(), "custom");
  await button(alice, "Cancel").click();
  await closed(alice);
  await button(alice, "Counter: Rug").click();
  await fill(alice, { Title: "Old rug" });
  await closed(alice);
  await is(alice, "Old rug", "Open");
  const { items } = await call("GET", `conversations/${id}/offers`, "bob");
  const end = items.find(({ title }) => title === "Old rug").expiresAt ?? "never";
  equal(end.slice(0, 16), expiresAt.slice(0, 16));
});

// A page that starts without the server and knows no features gets them with the next connection. Meanwhile, a
// conversation that was not opened before says that its messages come later.
test("A page that starts without the server has offers afterwards", [], async () => {
  const alice = await visitAs("alice", { expected: LOST });
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Unopened" });
  await post("messages", "bob", { conversationId: id, content: "Already said" });
  await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Beside it" });
  await open(alice, "Beside it");
  let isAway = true;
  const sockets = [];
  await alice.context().routeWebSocket(/socket\.io/, (socket) => {
    if (isAway && sockets.length > 0) return socket.close();
    sockets.push(socket);
    socket.connectToServer();
  });
  await alice.route(/\/api\/v1\/|\/socket\.io\/.*polling/, (route) => (isAway ? route.abort() : route.fallback()));
  const button = alice.locator(".conversation > header").getByRole("button", { name: "Offers" });
  // As in a browser that has never heard of them.
  await alice.evaluate(() => localStorage.removeItem("talkwire.features"));
  await alice.reload();
  await conversations(alice).first().waitFor();
  equal(await button.count(), 0);
  sockets[0].close();
  await alice.locator(".connection").waitFor();
  // The list, which has become lower, may have scrolled past it.
  await alice.locator(".conversations").hover();
  await alice.mouse.wheel(0, -5_000);
  await listed(alice, "Unopened").click();
  await alice.getByRole("heading", { name: "The messages are not here yet." }).waitFor();
  isAway = false;
  await alice.getByRole("button", { name: "Try now" }).click();
  await message(alice, "Already said").waitFor();
  await button.waitFor();
});

// In a group, an answer says whose offer it is about. That of somebody who is gone can only be rejected.
test("An answer in a group says whose offer it is, and nobody accepts that of who is gone", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Raffle" });
  const first = await post(`conversations/${id}/offers`, "bob", { title: "Lamp", amount: 125, currency: "EUR" });
  await post(`offers/${first.id}/counter`, "carol", { amount: 100, title: "Old lamp" });
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  for (const page of [alice, bob]) await open(page, "Raffle");
  const counter = card(alice, "Old lamp").getByText("Counter-offer to bob");
  await counter.waitFor();
  await button(alice, "Accept: Old lamp").click();
  equal(
    await alice.getByRole("dialog").locator("p").first().textContent(),
    "The offer is from carol, in answer to one from bob. " +
      "Everyone in this conversation will see that you accepted. This can't be undone.",
  );
  await button(alice.getByRole("dialog"), "Cancel").click();
  equal(await card(bob, "Old lamp").getByText("Counter-offer", { exact: true }).count(), 1);
  await call("PUT", `conversations/${id}/mutes/bob`, "alice", {});
  deepEqual(await until(() => names(bob, "Old lamp").catch(() => []), (all) => all.length === 0), []);
  await call("DELETE", `conversations/${id}/members/carol`, "alice");
  await card(alice, "Old lamp").getByText("Its author is no longer in this conversation.").waitFor();
  deepEqual(await names(alice, "Old lamp"), ["Reject"]);
});

// A member reports an offer, the owner of the group deletes it, and neither is possible with one's own.
test("Members report an offer, and the owner deletes it", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Barter" });
  await post(`conversations/${id}/offers`, "bob", { title: "Fake watch", description: "Shiny", amount: 500, currency: "EUR" });
  const [alice, bob, carol] = [await visitAs("alice"), await visitAs("bob"), await visitAs("carol")];
  for (const page of [alice, bob, carol]) {
    await open(page, "Barter");
    await is(page, "Fake watch", "Open");
  }
  const menu = (page) => card(page, "Fake watch").getByRole("button", { name: "More actions: Fake watch" });
  const items = async (page) => {
    await menu(page).click();
    await page.getByRole("menuitem").first().waitFor();
    return page.getByRole("menuitem").allTextContents();
  };
  deepEqual(await items(alice), ["Report offer", "Delete"]);
  equal(await menu(bob).count(), 0);
  deepEqual(await items(carol), ["Report offer"]);

  await carol.getByRole("menuitem", { name: "Report offer" }).click();
  const dialog = carol.getByRole("dialog", { name: "Report offer" });
  equal(await dialog.locator(".what").textContent(), "Fake watch");
  await dialog.getByRole("button", { name: "Report", exact: true }).click();
  await dialog.getByText("You are notified when an admin has decided").waitFor();

  await alice.getByRole("menuitem", { name: "Delete" }).click();
  await alice.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await closed(alice);
  for (const page of [alice, bob]) await is(page, "Deleted offer", "Withdrawn");
  const shown = async (page) => (await card(page, "Deleted offer").innerText()).split("\n").filter(Boolean);
  deepEqual((await shown(bob)).slice(-4), ["Deleted offer", "€5.00", "Withdrawn", "Withdrawn by alice"]);
  equal((await shown(alice)).at(-1), "Withdrawn by you");
  equal(await card(alice, "Deleted offer").getByRole("button").count(), 0);
});

// Offers are found from the list and in a conversation, and shown in their place among the conversation's offers.
test("Offers are found everywhere and in a conversation", [], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Bakery" });
  const offer = (title, description) =>
    post(`conversations/${id}/offers`, "bob", { title, description, amount: 4200, currency: "EUR" });
  await offer("Brick oven", "With a chimney");
  for (let number = 1; number <= 60; number++) await offer(`Sack ${number}`);
  const alice = await visitAs("alice");
  await alice.setViewportSize({ width: 1440, height: 800 });
  await alice.locator("aside [type=search]").fill("chimney");
  const row = alice.getByRole("region", { name: "Offers", exact: true }).locator(".find");
  await row.getByText("bob", { exact: true }).waitFor();
  const says = (await row.innerText()).split("\n");
  deepEqual(await row.locator("mark").allTextContents(), ["chimney"]);
  await row.click();
  await opened(alice, "Bakery");
  const panel = alice.locator(".panel");
  const isInSight = (title) =>
    until(() => panel.getByRole("article", { name: called(title) }).evaluate(isSeen), Boolean);
  ok(await isInSight("Brick oven"));
  await button(alice, "Search").click();
  await panel.getByRole("searchbox").fill("sack 7");
  await panel.locator(".find").filter({ hasText: "Sack 7" }).click();
  deepEqual(
    says.filter((each) => !each.includes(":")),
    ["bob", "Bakery", "Brick oven", "€42.00 · Open", "With a chimney"],
  );
  ok(await isInSight("Sack 7"));
});

// Runs in the page. Whether all of an element is in sight in its panel.
function isSeen(element) {
  const { top, bottom } = element.getBoundingClientRect();
  const panel = element.closest(".panel").getBoundingClientRect();
  return top >= panel.top && bottom <= panel.bottom;
}
