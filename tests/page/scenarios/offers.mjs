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
  report,
  say,
  start,
  until,
  visitAs,
} from "../browser.mjs";

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
export async function amounts() {
  await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Amounts" });
  const alice = await visitAs("alice");
  await open(alice, "Amounts");
  await button(alice, "Offers").click();
  await make(alice, { Title: "Bike", Amount: "1.000" });
  const problem = alice.locator("dialog[open] [role=alert]");
  const thousand = await until(() => problem.textContent(), (text) => text !== "");
  await fill(alice, { Amount: "1.0005" });
  const decimals = await until(() => problem.textContent(), (text) => text !== thousand);
  report("refused", { thousand, decimals });
}

async function fill(page, fields, currency) {
  for (const [label, value] of Object.entries(fields)) await field(page, label).fill(value);
  if (currency !== undefined) await currencies(page).selectOption(currency);
  await button(page, "Send offer").click();
}

const closed = (page) => page.locator("dialog[open]").waitFor({ state: "detached" });

export async function bargain() {
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
  const shown = await card(bob, "Bike").locator(".amount").textContent();
  const roles = { alice: await names(alice, "Bike"), bob: await names(bob, "Bike") };
  const looks = await card(bob, "Bike").locator(".buttons button").evaluateAll((all) => all.map((each) => each.className));
  const [{ amount, currency, conversationId }] = (await stored(bob)).items;
  await say(alice, "What do you say?");
  await message(bob, "What do you say?").waitFor();

  await button(bob, "Counter: Bike").click();
  const suggested = await field(bob, "Amount").inputValue();
  await fill(bob, { "Title": "Bike with lock", Amount: "1000" });
  await closed(bob);
  await is(alice, "Bike", "Countered");
  await button(alice.locator(".conversation"), "Accept: Bike with lock").click();
  await alice.getByRole("dialog").getByRole("button", { name: "Accept", exact: true }).click();
  for (const page of [alice, bob]) await is(page, "Bike with lock", "Accepted");
  const order = await bob.locator(".conversation .scroller").locator(".message .text, .offer .what").allTextContents();
  report("bargained", { shown, roles, looks, amount, currency, suggested, order });

  // What is withdrawn, rejected, or over because of its time.
  const offer = (title, more = {}) =>
    post(`conversations/${conversationId}/offers`, "alice", { title, amount: 5, currency: "KWD", ...more });
  await offer("Withdrawn");
  await button(alice.locator(".conversation"), "Withdraw: Withdrawn").click();
  const withdrawing = alice.getByRole("dialog", { name: "Withdraw “Withdrawn” for KWD 0.005?" });
  const warning = await withdrawing.locator("p").first().textContent();
  await withdrawing.getByRole("button", { name: "Cancel" }).click();
  const cancelled = await status(alice, "Withdrawn").textContent();
  await button(alice.locator(".conversation"), "Withdraw: Withdrawn").click();
  await withdrawing.getByRole("button", { name: "Withdraw", exact: true }).click();
  await offer("Rejected");
  await button(bob, "Reject: Rejected").click();
  const question = bob.getByRole("dialog", { name: "Reject “Rejected” for KWD 0.005?" });
  await question.waitFor();
  const asked = await status(alice, "Rejected").textContent();
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
  report("over", {
    warning,
    cancelled,
    asked,
    answered: await card(alice, "Rejected").locator(".standing").innerText(),
    lines: await until(() => alice.locator(".notice-line > span").allTextContents(), (all) => all.length === 3),
    buttons: await bob.locator(".conversation .offer .buttons button").count(),
    panel: await alice.locator(".panel .offer .what").allTextContents(),
  });
}

const stored = async (page) => {
  const id = decodeURIComponent(new URL(page.url()).hash.split("/").at(-1));
  return call("GET", `conversations/${id}/offers`, "bob");
};

// Offers before anything was said, and far back among many messages: pages of messages stay in their places.
export async function places() {
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
  const neighbours = await until(next, ([before, after]) => before !== undefined && after !== undefined);
  await upTo("Message 1", "First of all");
  report("placed", { neighbours, first: /Message \d+/.exec(await bob.locator(".message").first().textContent())?.[0] });
}

// An offer below the screen, which is read when its card comes into sight.
export async function seen() {
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
  const above = await unread();
  await bob.locator(".scroller").focus();
  await bob.keyboard.press("End");
  await card(bob, "The last lot").waitFor();
  report("seen", { above, left: await until(unread, (count) => count === 0) });
}

// The answer to an offer far above is read where a notice says it. What nobody has looked at stays unread.
export async function answered() {
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
  const before = await badge.textContent();
  await open(carol, "Pawnshop");
  await carol.getByText("bob rejected the offer “Ring”").waitFor();
  await badge.getByText("1", { exact: true }).waitFor();
  const { items } = await call("GET", "notifications?unread=true&limit=100", "carol");
  const left = items.filter(({ conversationId }) => conversationId === id).map(({ offerId }) => offerId);
  report("answered", { before, isOther: left.length === 1 && left[0] === watch.id, cards: await card(carol, "Ring").count() });
}

// In a muted conversation too, an offer counts as unread until its card is in sight.
export async function muted() {
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
  const notified = items.filter(({ conversationId, type }) => conversationId === id && type !== "invitation").length;
  await open(bob, "Whispers");
  await card(bob, "A whisper").waitFor();
  await entry.locator(".count").waitFor({ state: "detached" });
  const { unreadOfferCount = 0 } = await call("GET", `conversations/${id}`, "bob");
  report("read", { notified, unreadOfferCount });
}

// Marking everything as read reads the offers too, also where nothing else is unread or the conversation is muted.
export async function readAll() {
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
  report("read all", { left: [await until(() => left(ids[0]), (n) => n === 0), await until(() => left(ids[1]), (n) => n === 0)] });
}

// So does marking one conversation as read: in the list, where nothing else is unread, and after a jump over the offer.
export async function readOne() {
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
  const fromList = await isRead("Counter");
  await open(bob, "Long counter");
  await message(bob, "Early 1").waitFor();
  await bob.getByRole("button", { name: /^Jump to newest/ }).click();
  await message(bob, "Late 40").waitFor();
  await bob.locator(".to-unseen").getByRole("button", { name: "Mark as read" }).click();
  report("read one", { left: [fromList, await isRead("Long counter")] });
}

// What is unread starts at an offer that came before the unread messages. A jump over it leaves it unread.
export async function unreadFrom() {
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
  const counted = await listed(bob, "Flea market").locator(".count").textContent();
  await bob.keyboard.press("Control+k");
  const choice = bob.getByRole("dialog").getByRole("option").filter({ hasText: "Flea market" });
  const offered = `${await choice.locator(".count").textContent()} unread`;
  await bob.keyboard.press("Escape");
  await open(bob, "Flea market");
  const line = bob.locator(".unread-from");
  await line.waitFor();
  const lines = await line.count();
  const [top, { y }] = [await line.evaluate((it) => it.getBoundingClientRect().top), await card(bob, "Two chairs").boundingBox()];
  const frame = await bob.locator(".scroller").boundingBox();
  report("marked", { counts: [counted, offered], lines, isAbove: top < y, isInSight: y > frame.y && y < frame.y + frame.height });
}

// Many offers in a row stand beside one message: what is unread among them is at the top of the screen.
export async function unreadAmongOffers() {
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
  // A reader who scrolls is not held there.
  await bob.locator(".scroller").hover();
  await bob.mouse.wheel(0, -600);
  const moved = await until(fromTop, (pixels) => pixels > 300);
  report("opened", { isAtTop: Math.abs(top) < 20, isFree: moved > 300 });
}

// What was loaded of a conversation is there after a reload without a network; of another one, the panel says that it is not.
export async function reloaded() {
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
  const cards = await panel.getByRole("article").count();
  await open(alice, "Never opened");
  await button(alice, "Offers").click();
  const says = await panel.getByRole("heading", { level: 2 }).last().textContent();
  const buttons = await button(panel, "Make an offer").count();
  await alice.context().setOffline(false);
  await panel.getByRole("article", { name: "In Never opened" }).waitFor();
  await button(panel, "Make an offer").waitFor();
  report("reloaded", { cards, says, buttons });
}

// Holds back what the page asks for there, until the returned function is called.
async function held(page, path) {
  let answer;
  const answering = new Promise((resolve) => (answer = resolve));
  await page.route(path, (route) => answering.then(() => route.fallback()));
  return answer;
}

// Who has left is named by a message, by what the server answers or by a notice; where none of them is known, by no id.
export async function left() {
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
  const before = await shown();
  answerUsers();
  await answerer.getByText("by Bela").waitFor();
  answerNotices();
  await until(() => reaction.getAttribute("title"), (title) => title.includes("Dora"));
  const after = await shown();
  await button(alice, "Offers").click();
  const parts = alice.locator(".panel .offer").locator(".author, .standing");
  const panel = await until(() => parts.allInnerTexts(), (texts) => texts.length === 4);
  await act(alice, "Who is here?", "Reactions");
  const reacted = await alice.getByRole("dialog", { name: "Reactions" }).locator(".receipt-name").first().textContent();
  report("named", { before, after, panel, reacted });
}

// An offer that is withdrawn without the server says that it cannot be reached, until it can.
export async function withdrawnOffline() {
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
  const says = await problem.textContent();
  await alice.context().setOffline(false);
  await problem.waitFor({ state: "detached" });
  await question.getByRole("button", { name: "Cancel" }).click();
  report("back", { says, names: await names(alice, "Lamp") });
}

// The button to the newest counts offers as the list does.
export async function countedBelow() {
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
  report("counted", { isSame: below === all });
}

// The question before an answer stays when somebody else has decided, and says so.
export async function decidedMeanwhile() {
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
  const mayAccept = await accept.isEnabled();
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "detached" });
  report("decided", { mayAccept, names: await names(bob, "Drum") });
}

// The panel has no lines for days, so its cards say the day. Among the messages, such a line is above.
export async function days() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Yard sale" });
  await post(`conversations/${id}/offers`, "bob", { title: "Ladder", amount: 100, currency: "EUR" });
  const alice = await visitAs("alice");
  await alice.clock.setFixedTime(Date.now() + DAY_MS);
  await open(alice, "Yard sale");
  await button(alice, "Offers").click();
  const listed = await alice.locator(".panel .offer header time").textContent();
  report("days", { listed, isTime: /^\d+:\d\d/.test(await signed(alice, "Ladder").locator("time").textContent()) });
}

// Many cards scroll, and do not squeeze the button above them.
export async function many() {
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
  report("many", { isSame: (await height()) === one });
}

// A counter-offer ends when the offer does, unless its author chooses something else.
export async function counterEnds() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Bazaar" });
  const expiresAt = new Date(Date.now() + 5 * DAY_MS).toISOString();
  await post(`conversations/${id}/offers`, "bob", { title: "Rug", amount: 100, currency: "EUR", expiresAt });
  await post(`conversations/${id}/offers`, "bob", { title: "Vase", amount: 100, currency: "EUR" });
  const alice = await visitAs("alice", { timezoneId: "Asia/Kathmandu" });
  await open(alice, "Bazaar");
  const expiry = alice.getByRole("combobox", { name: "Expires after" });
  await button(alice, "Counter: Vase").click();
  const endless = await expiry.inputValue();
  const amountHasFocus = await alice.getByLabel("Amount", { exact: true }).evaluate((it) => it === document.activeElement);
  await button(alice, "Cancel").click();
  await closed(alice);
  await button(alice, "Counter: Rug").click();
  const proposed = await expiry.inputValue();
  await button(alice, "Cancel").click();
  await closed(alice);
  await button(alice, "Counter: Rug").click();
  await fill(alice, { Title: "Old rug" });
  await closed(alice);
  await is(alice, "Old rug", "Open");
  const { items } = await call("GET", `conversations/${id}/offers`, "bob");
  const end = items.find(({ title }) => title === "Old rug").expiresAt ?? "never";
  report("ends", { endless, amountHasFocus, proposed, isSame: end.slice(0, 16) === expiresAt.slice(0, 16) });
}

// A page that starts without the server and knows no features gets them with the next connection. Meanwhile, a
// conversation that was not opened before says that its messages come later.
export async function withoutServer() {
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
  const before = await button.count();
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
  report("back", { before });
}

// In a group, an answer says whose offer it is about. That of somebody who is gone can only be rejected.
export async function inAGroup() {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob", "carol"], name: "Raffle" });
  const first = await post(`conversations/${id}/offers`, "bob", { title: "Lamp", amount: 125, currency: "EUR" });
  await post(`offers/${first.id}/counter`, "carol", { amount: 100, title: "Old lamp" });
  const [alice, bob] = [await visitAs("alice"), await visitAs("bob")];
  for (const page of [alice, bob]) await open(page, "Raffle");
  const counter = card(alice, "Old lamp").getByText("Counter-offer to bob");
  await counter.waitFor();
  await button(alice, "Accept: Old lamp").click();
  const asked = await alice.getByRole("dialog").locator("p").first().textContent();
  await button(alice.getByRole("dialog"), "Cancel").click();
  const own = await card(bob, "Old lamp").getByText("Counter-offer", { exact: true }).count();
  await call("PUT", `conversations/${id}/mutes/bob`, "alice", {});
  const muted = await until(() => names(bob, "Old lamp").catch(() => []), (all) => all.length === 0);
  await call("DELETE", `conversations/${id}/members/carol`, "alice");
  await card(alice, "Old lamp").getByText("Its author is no longer in this conversation.").waitFor();
  report("grouped", { asked, own, muted, left: await names(alice, "Old lamp") });
}

// A member reports an offer, the owner of the group deletes it, and neither is possible with one's own.
export async function moderated() {
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
  const offered = { alice: await items(alice), bob: await menu(bob).count(), carol: await items(carol) };

  await carol.getByRole("menuitem", { name: "Report offer" }).click();
  const dialog = carol.getByRole("dialog", { name: "Report offer" });
  const quoted = await dialog.locator(".what").textContent();
  await dialog.getByRole("button", { name: "Report", exact: true }).click();
  await dialog.getByText("You are notified when an admin has decided").waitFor();

  await alice.getByRole("menuitem", { name: "Delete" }).click();
  await alice.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await closed(alice);
  const left = {};
  for (const [name, page] of Object.entries({ alice, bob })) {
    await is(page, "Deleted offer", "Withdrawn");
    left[name] = (await card(page, "Deleted offer").innerText()).split("\n");
  }
  report("moderated", { offered, quoted, left, menus: await card(alice, "Deleted offer").getByRole("button").count() });
}

// Offers are found from the list and in a conversation, and shown in their place among the conversation's offers.
export async function found() {
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
  const marked = await row.locator("mark").allTextContents();
  await row.click();
  await opened(alice, "Bakery");
  const panel = alice.locator(".panel");
  const isInSight = (title) =>
    until(() => panel.getByRole("article", { name: called(title) }).evaluate(isSeen), Boolean);
  const older = await isInSight("Brick oven");
  await button(alice, "Search").click();
  await panel.getByRole("searchbox").fill("sack 7");
  await panel.locator(".find").filter({ hasText: "Sack 7" }).click();
  report("found", { says: says.filter((each) => !each.includes(":")), marked, older, newer: await isInSight("Sack 7") });
}

// Runs in the page. Whether all of an element is in sight in its panel.
function isSeen(element) {
  const { top, bottom } = element.getBoundingClientRect();
  const panel = element.closest(".panel").getBoundingClientRect();
  return top >= panel.top && bottom <= panel.bottom;
}
