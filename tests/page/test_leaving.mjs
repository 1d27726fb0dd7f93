// What was written and not sent: in several tabs, while a message is edited, and when its author signs out.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  act,
  anotherTab,
  call,
  composer,
  enterAs,
  letters,
  LOST,
  message,
  messages,
  open,
  opened,
  pageUrl,
  pause,
  post,
  say,
  start,
  submitAccount,
  until,
  url,
  visit,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const text = (page) => composer(page).inputValue();
const shows = (page, wanted) => becomes(() => text(page), wanted);

// A tab with a text of its own keeps it, whatever another tab sends; one without any has the newest.
test("A draft belongs to its tab", ["crowded_server"], async () => {
  const one = await visitAs("alice");
  await open(one, "general");
  await composer(one).fill("A long draft");
  const two = await anotherTab(one, "alice");
  await open(two, "general");
  await shows(two, "A long draft");
  await say(two, "x");
  await message(two, "x").waitFor();
  await message(one, "x").waitFor();
  equal(await text(one), "A long draft");
  await one.reload();
  await composer(one).waitFor();
  await shows(one, "A long draft");
  // A tab whose reader has written nothing follows.
  const three = await anotherTab(one, "alice");
  await open(three, "general");
  await shows(three, "A long draft");
  await composer(one).fill("A longer draft");
  await shows(three, "A longer draft");
  await say(one, "A longer draft");
  await shows(three, "");
  // The text that a tab shows is sent in another one.
  await composer(one).fill("Written here");
  await shows(three, "Written here");
  await composer(three).press("Enter");
  await message(one, "Written here").waitFor();
  await shows(one, "");
  // What a tab has written is continued and sent in another one.
  await composer(one).fill("See you at");
  // Otherwise it does not follow: its reader has written there.
  await three.reload();
  await shows(three, "See you at");
  await composer(three).fill("See you at nine");
  await shows(one, "See you at nine");
  await composer(three).press("Enter");
  await message(one, "See you at nine").waitFor();
  await shows(one, "");
});

// An edit and a reply belong to their tab too.
test("An edit belongs to its tab", ["crowded_server"], async () => {
  const one = await visitAs("alice");
  await open(one, "general");
  await say(one, "Speling");
  await message(one, "Speling").waitFor();
  const two = await anotherTab(one, "alice");
  await open(two, "general");
  await composer(two).fill("Something else");
  await act(one, "Speling", "Edit");
  await composer(one).fill("Spelling");
  await composer(two).fill("");
  await act(two, "Speling", "Reply");
  await say(two, "A second message");
  await message(one, "A second message").waitFor();
  await one.reload();
  await one.getByText("Editing your message").waitFor();
  await shows(one, "Spelling");
  await composer(one).press("Enter");
  await message(two, "Spelling").waitFor();
  equal(await text(one), "");
});

// The message is deleted elsewhere while it is edited.
test("A deleted message is not edited any more", ["crowded_server"], async () => {
  const one = await visitAs("alice", { expected: LOST });
  await open(one, "general");
  const ends = async (content, changed, remove, expected) => {
    await say(one, content);
    await message(one, content).waitFor();
    await composer(one).press("ArrowUp");
    await one.getByText("Editing your message").waitFor();
    if (changed !== undefined) await composer(one).fill(changed);
    const { items } = await call("GET", "conversations/general/messages?limit=1", "alice");
    await remove(() => call("DELETE", `messages/${items[0].id}`, "alice"));
    await one.getByText("Editing your message").waitFor({ state: "detached" });
    equal(await one.locator(".notice p").textContent(), expected);
    await one.locator(".notice").getByRole("button", { name: "Close" }).click();
    equal(await text(one), changed ?? "");
  };
  const kept = "The message was deleted. Your changed text is in the message field.";
  await ends("Not for long", undefined, (remove) => remove(), "The message was deleted.");
  await ends("Soon gone", "What I wanted to say", (remove) => remove(), kept);
  await composer(one).fill("");
  // The page does not see it, and learns it when it is connected again.
  const removeUnseen = async (remove) => {
    await one.context().setOffline(true);
    await one.getByText("Reconnecting…").waitFor();
    await remove();
    await one.context().setOffline(false);
  };
  await ends("Gone while away", "Written while away", removeUnseen, kept);
  await say(one, "And on");
  await message(one, "And on").waitFor();
});

// The message is deleted while its author is offline, and has gone on to another conversation.
test("A message that was deleted elsewhere is named with its conversation", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Workshop" });
  const alice = await visitAs("alice", { expected: LOST });
  await open(alice, "general");
  await open(alice, "Workshop");
  await say(alice, "We meet at six");
  await message(alice, "We meet at six").waitFor();
  const { items } = await call("GET", `conversations/${id}/messages?limit=1`, "alice");
  await alice.context().setOffline(true);
  await alice.getByText("Reconnecting…").waitFor();
  await composer(alice).press("ArrowUp");
  await alice.getByText("Editing your message").waitFor();
  await composer(alice).fill("We meet at seven");
  await composer(alice).press("Enter");
  await message(alice, "We meet at seven").waitFor();
  await open(alice, "general");
  await call("DELETE", `messages/${items[0].id}`, "alice");
  await alice.context().setOffline(false);
  const toast = alice.locator(".toast:popover-open");
  await toast.waitFor();
  equal(
    await toast.locator("p").textContent(),
    "The message you edited in Workshop was deleted. Your changed text is in the message field there.",
  );
  await toast.getByRole("button", { name: "Open" }).click();
  await opened(alice, "Workshop");
  equal(await text(alice), "We meet at seven");
});

// A notice that only informs stands between the header and the messages. It ends with the next message, or by itself.
test("A notice covers nothing and ends by itself or with the next message", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", memberIds: ["bob"], name: "Notices" });
  const alice = await visitAs("alice", { clock: true });
  await open(alice, "Notices");
  const notice = alice.locator(".notice p");
  const leaveOff = async (content) => {
    await say(alice, content);
    await message(alice, content).waitFor();
    await composer(alice).press("ArrowUp");
    await alice.getByText("Editing your message").waitFor();
    await composer(alice).fill(`${content}, changed`);
    const { items } = await call("GET", `conversations/${id}/messages?limit=1`, "alice");
    await call("DELETE", `messages/${items[0].id}`, "alice");
    await notice.waitFor();
  };
  await leaveOff("Not for long");
  const parts = [".notice", ".conversation > header", ".timeline", ".conversation"];
  const [it, header, timeline, all] = await Promise.all(parts.map((part) => alice.locator(part).boundingBox()));
  const middle = ({ x, width }) => x + width / 2;
  ok(it.y >= header.y + header.height, "it is below the header");
  ok(it.y + it.height <= timeline.y, "it is above the messages");
  ok(Math.abs(middle(it) - middle(all)) < 2, "it is in the middle");
  await composer(alice).press("Enter");
  await notice.waitFor({ state: "detached" });
  await leaveOff("Soon gone");
  await alice.clock.runFor(6_000);
  equal(await notice.count(), 1);
  await alice.clock.runFor(6_000);
  await notice.waitFor({ state: "detached" });
});

const signOut = async (page) => {
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
};

// Without a connection, the menu could not be loaded.
const loadMenu = async (page) => {
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("menuitem", { name: "Sign out" }).waitFor({ state: "detached" });
};

const dialog = (page) => page.getByRole("dialog");

// What the browser has of a user that was not sent, and their session.
const kept = (page) =>
  page.evaluate(async () => {
    const all = async (name, store) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.onerror = reject;
        opening.onsuccess = () => {
          const reading = opening.result.transaction(store).objectStore(store).getAll();
          reading.onsuccess = () => resolve(reading.result.length);
          opening.result.close();
        };
      });
    const keys = Object.keys({ ...localStorage, ...sessionStorage }).filter((key) =>
      /^talkwire.(draft|name|composing|edit|last|session)/.test(key),
    );
    const [entries, uploads, bytes, states] = [
      await all("talkwire", "letters"),
      await all("talkwire-uploads", "uploads"),
      await all("talkwire-uploads", "bytes"),
      await all("talkwire-state", "states"),
    ];
    return { keys, entries, uploads, bytes, states };
  });

const NOTHING = { keys: [], entries: 0, uploads: 0, bytes: 0, states: 0 };

// Signing out without a connection: the page asks, removes what was not sent, and says that the server does not know.
test("Signing out names and removes what is not sent", ["crowded_server"], async () => {
  const credentials = { "E-mail": "frida@example.com", Password: "correct horse" };
  const frida = await visit({ expected: LOST });
  await submitAccount(frida, { Name: "Frida", ...credentials });
  await start(frida, ["alice"]);
  await say(frida, "Sent");
  await message(frida, "Sent").waitFor();
  await start(frida, ["bob"]);
  await loadMenu(frida);
  await frida.context().setOffline(true);
  await frida.getByText("Reconnecting…").waitFor();
  await say(frida, "Never sent");
  await letters(frida).first().waitFor();
  await frida.locator(".composer input[type=file]").setInputFiles({
    name: "secret.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("secret"),
  });
  await frida.locator(".tray, .composer").getByText("secret.txt").waitFor();
  await frida.locator(".conversations a", { hasText: "alice" }).click();
  await opened(frida, "alice");
  await composer(frida).fill("A draft");
  await until(() => kept(frida), ({ entries, bytes }) => entries === 1 && bytes === 1);
  const before = await kept(frida);
  deepEqual({ ...before, keys: before.keys.length }, { keys: 5, entries: 1, uploads: 1, bytes: 1, states: 1 });
  await signOut(frida);
  equal(
    await dialog(frida).locator("p").first().textContent(),
    "1 message is not sent yet, and there are 2 drafts. Signing out removes them.",
  );
  await dialog(frida).getByRole("button", { name: "Cancel" }).click();
  equal(await text(frida), "A draft");
  await signOut(frida);
  await dialog(frida).getByRole("button", { name: "Sign out" }).click();
  await frida.locator(".entrance").waitFor();
  const reason = await frida.locator(".entrance").textContent();
  ok(reason.includes("the server could not be reached to end the session"), reason);
  deepEqual(await kept(frida), NOTHING);
  await frida.context().setOffline(false);
  await frida.reload();
  await submitAccount(frida, credentials);
  // Nobody has written there, so that it is not in the list.
  await start(frida, ["bob"]);
  await composer(frida).waitFor();
  await pause(500);
  equal(await letters(frida).count(), 0);
  deepEqual(await messages(frida).allTextContents(), []);
  equal(await text(frida), "");
});

// Without anything unsent, nobody is asked. The other tab of the browser follows, also without the server.
test("Signing out ends the other tabs without the server", ["crowded_server"], async () => {
  const gerd = await visit({ expected: LOST });
  await submitAccount(gerd, { Name: "Gerd", "E-mail": "gerd@example.com", Password: "correct horse" });
  await start(gerd, ["alice"]);
  await say(gerd, "Hello");
  await message(gerd, "Hello").waitFor();
  const tab = await gerd.context().newPage();
  await tab.goto(pageUrl);
  await tab.locator(".conversations a").first().click();
  await composer(tab).waitFor();
  await loadMenu(gerd);
  await gerd.context().setOffline(true);
  await gerd.getByText("Reconnecting…").waitFor();
  await signOut(gerd);
  await gerd.locator(".entrance").waitFor();
  await tab.locator(".entrance").waitFor();
  const reason = await tab.locator(".entrance").textContent();
  ok(reason.includes("You were signed out in another tab."), reason);
  deepEqual(await kept(tab), NOTHING);
});

// The server ends the session, as when its user signs out on another device: what was not sent waits for that user, and
// another user neither sees nor sends it.
test("What is not sent waits for its author when the server ends the session", ["crowded_server"], async () => {
  const credentials = { "E-mail": "hanna@example.com", Password: "correct horse" };
  // What the page asks for while the session ends is refused.
  const hanna = await visit({ expected: new RegExp(`${LOST.source}|status of 401`) });
  await submitAccount(hanna, { Name: "Hanna", ...credentials });
  await start(hanna, ["alice"]);
  // A direct conversation without messages is in no list.
  await say(hanna, "Hello");
  await message(hanna, "Hello").waitFor();
  await composer(hanna).fill("To be continued");
  const elsewhere = await post("auth/login", "alice", { email: "hanna@example.com", password: "correct horse" });
  const changed = await fetch(`${url}/api/v1/auth/password`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${elsewhere.accessToken}` },
    body: JSON.stringify({ currentPassword: "correct horse", newPassword: "battery staple" }),
  });
  if (!changed.ok) throw new Error(`the password was not changed: ${changed.status}`);
  await hanna.locator(".entrance").waitFor();
  await enterAs(hanna, "alice");
  await hanna.locator(".conversations a", { hasText: "Hanna" }).click();
  await composer(hanna).waitFor();
  equal(await text(hanna), "");
  await signOut(hanna);
  await submitAccount(hanna, { ...credentials, Password: "battery staple" });
  await hanna.locator(".conversations a", { hasText: "alice" }).click();
  await shows(hanna, "To be continued");
});

// The next user of the browser does not start in a conversation of the one before.
test("The next user does not start in a conversation of the one before", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Not for others", memberIds: ["bob"] });
  const page = await visitAs("alice");
  await open(page, "Not for others");
  await signOut(page);
  await page.locator(".entrance").waitFor();
  equal(await page.evaluate(() => location.hash), "");
  await enterAs(page, "carol");
  await page.getByText("Choose a conversation or start a new one.").waitFor();
  // The link of a conversation leads there for every user.
  const linked = await visit({ path: `#/conversation/${id}` });
  await enterAs(linked, "bob");
  await opened(linked, "Not for others");
});
