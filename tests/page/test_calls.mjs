// Calls between two browsers, with sound and pictures that really arrive.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  anotherTab,
  atEnd,
  call,
  choose,
  composer,
  conversations,
  launch,
  letters,
  listed,
  LOST,
  message,
  open,
  opened,
  openSettings,
  post,
  say,
  start,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const permissions = ["microphone", "camera"];

// Notes what is played, and keeps hold of the page's connections to others.
function observe() {
  window.played = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    window.played.push(this.dataset.sound ?? "");
    return play.call(this);
  };
  window.peers = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      window.peers.push(this);
    }
  };
}

const button = (page, name) => page.getByRole("button", { name, exact: true });
const ringing = (page) => page.getByRole("alertdialog");
const callOf = (page, name) => page.getByRole("region", { name: `Call with ${name}` });

// What has come through the newest connection: sound and pictures.
const received = (page, kind) =>
  page.evaluate(async (wanted) => {
    const stats = await window.peers.at(-1).getStats();
    const inbound = [...stats.values()].filter(({ type, kind }) => type === "inbound-rtp" && kind === wanted);
    const count = ({ packetsReceived, framesDecoded }) => (wanted === "video" ? framesDecoded : packetsReceived);
    return inbound.reduce((sum, each) => sum + count(each), 0);
  }, kind);

// Reads until the value is a wanted one, and fails with the last value after the deadline.
async function reaches(read, wanted) {
  const value = await until(read, wanted);
  ok(wanted(value), `still ${JSON.stringify(value)}`);
}

async function two(options) {
  const [alice, bob] = [
    await visitAs("alice", { permissions, init: observe, ...options }),
    await visitAs("bob", { permissions, init: observe, ...options, from: undefined }),
  ];
  await start(alice, ["bob"]);
  await opened(alice, "bob");
  return [alice, bob];
}

test("Two talk, see each other and hang up", ["whole_browser"], async () => {
  await call("PATCH", "users/me", "alice", { avatar: "/icon-192.png" });
  const [alice, bob] = await two();
  const secondTab = await anotherTab(bob, "bob");
  await button(alice, "Call").click();
  await callOf(alice, "bob").getByText("Ringing…").waitFor();
  for (const tab of [bob, secondTab]) await ringing(tab).getByText("alice is calling").waitFor();
  const rings = (tab) => tab.evaluate(() => window.played.includes("ring"));
  const rang = async () => (await Promise.all([bob, secondTab].map(rings))).filter(Boolean).length;
  await reaches(rang, (tabs) => tabs > 0);
  await alice.waitForFunction(() => window.played.length > 0);
  await bob.locator("[role=alertdialog]:focus").waitFor();
  equal(await rang(), 1);
  // However often by now.
  deepEqual(await alice.evaluate(() => [...new Set(window.played)]), ["ringback"]);
  equal(await bob.evaluate(() => document.activeElement.getAttribute("role")), "alertdialog");
  // As of other dialogs, of which bob has opened none.
  equal(await ringing(bob).evaluate((dialog) => getComputedStyle(dialog).borderRadius), "14px");

  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await ringing(secondTab).waitFor({ state: "detached" });
  for (const [page, other] of [[alice, "bob"], [bob, "alice"]]) await callOf(page, other).getByRole("timer").waitFor();
  for (const page of [alice, bob]) await reaches(() => received(page, "audio"), (packets) => packets > 20);

  equal(await callOf(bob, "alice").locator(".avatar img").count(), 1);
  await call("PATCH", "users/me", "alice", { avatar: null });

  // One writes while one talks.
  await open(bob, "alice");
  await say(alice, "Can you hear me?");
  await message(bob, "Can you hear me?").waitFor();

  await button(bob, "Turn microphone off").click();
  await callOf(alice, "bob").getByText("bob is muted").waitFor();
  await button(bob, "Turn microphone on").click();
  await callOf(alice, "bob").getByText("Connected").waitFor();

  await button(alice, "Turn camera on").click();
  await reaches(() => received(bob, "video"), (frames) => frames > 5);
  await bob.locator("video.call-picture:not(.own)").waitFor();
  await button(bob, "Turn camera on").click();
  await reaches(() => received(alice, "video"), (frames) => frames > 5);
  await button(alice, "Turn camera off").click();
  await bob.locator("video.call-picture:not(.own)").waitFor({ state: "hidden" });
  const before = await received(bob, "audio");
  await reaches(() => received(bob, "audio"), (packets) => packets > before);

  await button(bob, "Hang up").click();
  // The notice is shown for six seconds.
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  await callOf(bob, "alice").waitFor({ state: "detached" });
  await alice.waitForFunction(() => window.peers.every(({ connectionState }) => connectionState === "closed"));
  deepEqual(await alice.evaluate(() => window.peers.map(({ connectionState }) => connectionState)), ["closed"]);
  equal(await secondTab.evaluate(() => window.peers.length), 0);
});

// A page that is opened or reloaded while a call rings shows it too, beside another device that keeps ringing.
test("A device that is opened while a call rings answers it", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  await button(alice, "Call").click();
  await ringing(bob).getByText("alice is calling").waitFor();
  const second = await visitAs("bob", { permissions, init: observe });
  await ringing(second).getByText("alice is calling").waitFor();
  await bob.reload();
  await ringing(bob).getByText("alice is calling").waitFor();
  await ringing(second).getByRole("button", { name: "Accept", exact: true }).click();
  await ringing(bob).waitFor({ state: "detached" });
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await reaches(() => received(second, "audio"), (packets) => packets > 20);
  await bob.reload();
  await conversations(bob).first().waitFor();
  equal(await ringing(bob).count(), 0);
  await button(second, "Hang up").click();
});

// Who reloads the page in a call calls again at once; from another device, after a question.
test("A user that reloads the page in a call calls again at once", ["whole_browser"], async () => {
  // The browser asks before the page is left during a call.
  const [alice, bob] = await two({ expected: /^dialog: $/ });
  const answer = async (page) => {
    await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
    await callOf(page, "bob").getByRole("timer").waitFor();
  };
  await button(alice, "Call").click();
  await answer(alice);
  await alice.reload();
  await button(alice, "Call").click();
  await answer(alice);
  equal(await alice.getByRole("dialog").count(), 0);

  const second = await visitAs("alice", { permissions, init: observe });
  await open(second, "bob");
  const instead = button(second, "End it and call from here");
  await button(second, "Call").click();
  await instead.waitFor();
  await button(second, "Cancel").click();
  equal(await callOf(alice, "bob").getByRole("timer").count(), 1);
  await button(second, "Call").click();
  await instead.click();
  await answer(second);
  await callOf(alice, "bob").waitFor({ state: "detached" });
});

// A call that the server refuses because one has blocked the other is not offered again.
test("A blocked person is not offered to call again", ["whole_browser"], async () => {
  const [alice] = await two();
  await call("PUT", "users/me/blocks/alice", "bob");
  await button(alice, "Call").click();
  const over = callOf(alice, "bob");
  await over.getByText("blocked").waitFor();
  await over.getByRole("button", { name: "Close" }).waitFor();
  const offered = await over.getByRole("button").allTextContents();
  await call("DELETE", "users/me/blocks/alice", "bob");
  deepEqual(offered, ["Close"]);
});

const COLUMN = { lines: 1, buttonsWithin: true, buttonsBelow: true, low: true, centred: true };

// How the dialog of an incoming call looks on windows of several sizes. The longest buttons are those of a video call.
test("The dialog of a call is one column", ["whole_browser"], async () => {
  await call("PATCH", "users/me", "alice", { name: "Nora Keller" });
  const [alice, bob] = await two();
  await button(alice, "Video call").click();
  await ringing(bob).getByText("is video calling").waitFor();
  for (const [width, height] of [[1440, 900], [1100, 700], [390, 844]]) {
    await bob.setViewportSize({ width, height });
    const measured = await ringing(bob).evaluate((dialog) => {
      const frame = dialog.getBoundingClientRect();
      const title = dialog.querySelector("h2");
      const text = document.createRange();
      text.selectNodeContents(title);
      const middle = (box) => box.left + box.width / 2;
      const isWithin = ({ left, right, bottom }) =>
        left >= frame.left + 12 && right <= frame.right - 12 && bottom <= frame.bottom - 12;
      const buttons = [...dialog.querySelectorAll("button")].map((each) => each.getBoundingClientRect());
      const parts = [dialog.querySelector(".avatar"), title].map((each) => each.getBoundingClientRect());
      return {
        lines: new Set([...text.getClientRects()].map(({ top }) => Math.round(top))).size,
        buttonsWithin: buttons.every(isWithin),
        buttonsBelow: buttons.every(({ top }) => top >= title.getBoundingClientRect().bottom),
        low: buttons.every((box) => box.height < 60),
        centred: parts.every((box) => Math.abs(middle(box) - middle(frame)) < 2),
      };
    });
    deepEqual({ width, ...measured }, { width, ...COLUMN });
  }
  await call("PATCH", "users/me", "alice", { name: "alice" });
});

// The buttons of a call can be reached where letters are twice as large, on small windows too.
test("Large text cuts off no button of a call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  await bob.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
  await button(alice, "Video call").click();
  await ringing(bob).getByText("is video calling").waitFor();
  for (const [width, height] of [[390, 844], [320, 640], [844, 390]]) {
    await bob.setViewportSize({ width, height });
    deepEqual(await cutOffIn(ringing(bob)), []);
  }
  const isSecondInSight = await ringing(bob).evaluate((dialog) => {
    dialog.scrollTo(0, 0);
    const { bottom } = [...dialog.querySelectorAll("button")].at(1).getBoundingClientRect();
    return bottom <= dialog.getBoundingClientRect().bottom;
  });
  ok(isSecondInSight);
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  const shown = callOf(bob, "alice");
  await shown.getByRole("timer").waitFor();
  const tops = await shown
    .locator(".controls button")
    .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().top));
  equal(new Set(tops).size, 1);
  await bob.setViewportSize({ width: 320, height: 640 });
  deepEqual(await cutOffIn(shown), []);
  await shown.getByRole("button", { name: "Enlarge" }).click();
  deepEqual(await cutOffIn(shown), []);
  await shown.getByRole("button", { name: "Make smaller" }).click();
  await bob.setViewportSize({ width: 1024, height: 768 });
  await shown.getByRole("button", { name: "Devices" }).click();
  const first = shown.getByRole("combobox").first();
  await reaches(() => wholeRows(bob), (count) => count >= 3);
  await becomes(() => isWithin(first, shown), true);
  ok(await isWithin(shown.getByRole("button", { name: "Hang up" }), shown));
  await shown.getByRole("button", { name: "Hang up" }).click();
});

// How many conversations can be seen as a whole.
const wholeRows = (page) =>
  page.locator(".conversations").evaluate((list) => {
    const { top, bottom } = list.getBoundingClientRect();
    const boxes = [...list.querySelectorAll("a")].map((each) => each.getBoundingClientRect());
    return boxes.filter((box) => box.top >= top && box.bottom <= bottom).length;
  });

async function isWithin(inner, outer) {
  const [one, other] = [await inner.boundingBox(), await outer.boundingBox()];
  return one.y >= other.y && one.y + one.height <= other.y + other.height;
}

// The names of the buttons of which a part cannot be scrolled into sight, upwards or downwards.
const cutOffIn = (frame) =>
  frame.evaluate((element) => {
    const outer = element.getBoundingClientRect();
    const isCutOff = (each) => {
      each.scrollIntoView({ block: "nearest", inline: "start", behavior: "instant" });
      const range = document.createRange();
      range.selectNodeContents(each);
      const boxes = [each.getBoundingClientRect(), range.getBoundingClientRect()];
      const sideways = element.scrollWidth > element.clientWidth;
      return sideways || boxes.some(({ left, right, top, bottom }) =>
        left < outer.left || right > outer.right || top < outer.top || bottom > outer.bottom,
      );
    };
    return [...element.querySelectorAll("button")].filter(isCutOff).map((each) => each.textContent || each.title);
  });

// The browser answers its question what to share by itself: a screen that Chromium draws for tests.
test("A caller shows a screen and changes the microphone", ["whole_browser"], async () => {
  const from = await launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream");
  const [alice, bob] = await two({ from });
  await button(alice, "Video call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await reaches(() => received(bob, "video"), (frames) => frames > 5);
  await reaches(() => ratioOf(bob, "Camera of alice"), isCamera);

  await button(alice, "Share your screen").click();
  await callOf(alice, "bob").getByText("bob sees your screen").waitFor();
  await callOf(bob, "alice").getByText("alice is sharing a screen").waitFor();
  await reaches(() => ratioOf(bob, "Screen of alice"), isScreen);
  equal(await alice.locator("video.own").getAttribute("aria-label"), "Your screen");
  await button(alice, "Turn camera on").click();
  await reaches(() => ratioOf(bob, "Camera of alice"), isCamera);
  await button(alice, "Share your screen").click();
  await callOf(bob, "alice").getByText("alice is sharing a screen").waitFor();
  // As with the browser's own bar.
  await alice.locator("video.own").evaluate(({ srcObject }) => {
    const [track] = srcObject.getVideoTracks();
    track.stop();
    track.dispatchEvent(new Event("ended"));
  });
  await button(alice, "Share your screen").waitFor();
  await bob.locator("video.call-picture:not(.own)").waitFor({ state: "hidden" });

  // Another microphone, in the middle of the call.
  await button(alice, "Choose devices").click();
  const microphone = callOf(alice, "bob").getByRole("combobox", { name: "Microphone" });
  await microphone.selectOption({ label: "Fake Audio Input 2" });
  const sends = () =>
    alice.evaluate(() => {
      const tracks = window.peers[0].getSenders().map((each) => each.track);
      return tracks.find((track) => track?.kind === "audio").label;
    });
  await becomes(sends, "Fake Audio Input 2");
  const before = await received(bob, "audio");
  await reaches(() => received(bob, "audio"), (packets) => packets > before + 20);
  await button(alice, "Hang up").click();
  await callOf(alice, "bob").waitFor({ state: "detached" });

  // The next call has the chosen microphone, and another one where that is not connected.
  await alice.evaluate(() => localStorage.setItem("talkwire.devices", JSON.stringify({ audioinput: "unplugged" })));
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await button(alice, "Hang up").click();
});

// A busy browser sends smaller pictures, of the same form: the camera's are 4:3, and the screen's nearly 16:9.
const ratioOf = (page, label) =>
  page
    .getByLabel(label)
    .evaluate(({ videoWidth, videoHeight }) => videoWidth / videoHeight, undefined, { timeout: 15_000 });
const isCamera = (ratio) => ratio > 1.2 && ratio < 1.5;
const isScreen = (ratio) => ratio > 1.6;

test("A call is declined, missed and made by both at once", ["whole_browser"], async () => {
  await post("notifications/read", "bob", { all: true });
  const [alice, bob] = await two();
  await button(alice, "Video call").click();
  await ringing(bob).getByText("alice is video calling").waitFor();
  await ringing(bob).getByRole("button", { name: "Decline" }).click();
  await callOf(alice, "bob").getByText("bob declined.").waitFor();
  await button(alice, "Call again").click();
  await ringing(bob).waitFor();
  await button(alice, "Hang up").click();
  await callOf(bob, "alice").getByText("Missed call from alice").waitFor();
  await bob.getByRole("button", { name: "Notifications, 1 unread" }).waitFor();
  const last = (page, name) => listed(page, name).locator(".last").textContent();
  await becomes(() => last(bob, "alice"), "Missed call from alice");
  const tab = await anotherTab(bob, "bob");
  equal(await last(tab, "alice"), "Missed call from alice");
  await becomes(() => last(alice, "bob"), "No one answered your call");
  await tab.close();
  equal(await ringing(bob).count(), 0);

  // Both at once: it is one call.
  // It may have gone by itself.
  await bob.getByRole("button", { name: "Close", exact: true }).click({ timeout: 2_000 }).catch(() => undefined);
  await open(bob, "alice");
  // Anyone who hears the other one first can call no more: the button does nothing then.
  for (const page of [alice, bob]) await page.waitForFunction(() => document.querySelector(".call") === null);
  await Promise.all([alice, bob].map((page) => button(page, "Call").evaluate((element) => element.click())));
  // Where one of them was first after all, that one waits for the other's answer.
  const takesPart = async (page) => {
    const accept = ringing(page).getByRole("button", { name: "Accept", exact: true });
    const talks = page.getByRole("timer").waitFor();
    // It may never be there, or be gone before it is pressed.
    await Promise.race([talks, accept.click().catch(() => undefined)]);
    await talks;
  };
  await Promise.all([alice, bob].map(takesPart));
  for (const page of [alice, bob]) await reaches(() => received(page, "audio"), (packets) => packets > 5);
  await button(alice, "Hang up").click();
  await callOf(bob, "alice").getByText("The call has ended.").waitFor();
});

// The server lets it ring for some seconds, in which the other one's browser has to load what rings.
test("A call that nobody answers is missed", ["whole_browser", "short_ringing_server"], async () => {
  const [alice, bob] = await two({ expected: LOST });
  await button(alice, "Call").click();
  await ringing(bob).waitFor();
  await callOf(alice, "bob").getByText("bob did not answer.").waitFor();
  await callOf(bob, "alice").getByText("Missed call from alice").waitFor();
  // No dialog that is opened later says it again. It goes by itself.
  await bob.keyboard.press("Control+k");
  await bob.locator("dialog.switcher").waitFor();
  equal(await bob.locator("dialog .call-bar").count(), 0);
  await bob.keyboard.press("Escape");
  await callOf(bob, "alice").waitFor({ state: "detached" });
  // The call is mentioned in the conversation, also above a message that waits.
  await open(bob, "alice");
  const line = bob.locator(".conversation .notice-line").getByText("Missed call from alice");
  await line.waitFor();
  await bob.context().setOffline(true);
  await say(bob, "I was away");
  await letters(bob).getByText("I was away").waitFor();
  equal(await line.count(), 1);
  await bob.context().setOffline(false);
  await message(bob, "I was away").waitFor();
  equal(await line.count(), 1);
});

test("A user in a call is busy for others", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  const carol = await visitAs("carol", { permissions, init: observe });
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await start(carol, ["bob"]);
  await opened(carol, "bob");
  await button(carol, "Call").click();
  await callOf(carol, "bob").getByText("bob is in another call.").waitFor();
  // Bob has not declined it: he has missed it.
  const id = decodeURIComponent(new URL(carol.url()).hash.split("/").at(-1));
  const missedHere = ({ type, conversationId }) => type === "missed-call" && conversationId === id;
  const missed = async () => (await call("GET", "notifications", "bob")).items.filter(missedHere).length;
  await becomes(missed, 1);
  equal(await callOf(bob, "alice").getByRole("timer").count(), 1);
  equal(await ringing(bob).count(), 0);
});

// A missed call makes its row bold and unread, also after a reload, until it is marked as read or opened.
test("A missed call is unread in the list", ["whole_browser"], async () => {
  await post("notifications/read", "bob", { all: true });
  const [alice, bob] = await two();
  await open(bob, "general");
  const bold = listed(bob, "alice").and(bob.locator(".unread"));
  const miss = async () => {
    await button(alice, "Call").click();
    await ringing(bob).waitFor();
    await button(alice, "Hang up").click();
    await button(callOf(bob, "alice"), "Close").click();
    await bold.waitFor();
  };
  const becomesPlain = () => becomes(() => bold.count(), 0);
  await miss();
  await bob.reload();
  await bold.waitFor();
  equal(await bold.locator(".count").count(), 0);
  await button(bob, "Unread only").click();
  await bold.waitFor();
  await bob.getByRole("button", { name: "Mark all messages as read" }).click();
  await listed(bob, "alice").waitFor({ state: "detached" });
  await button(bob, "Unread only").click();

  await miss();
  await listed(bob, "alice").click({ button: "right" });
  await bob.getByRole("menuitem", { name: "Mark as read" }).click();
  await becomesPlain();
  await miss();
  await open(bob, "alice");
  await becomesPlain();
  await becomes(async () => (await call("GET", "notifications", "bob")).unread, 0);
});

// One browser has neither microphone nor camera, the other may not use them.
test("A missing device is named", ["whole_browser"], async () => {
  const [alice] = await two({ from: await launch() });
  await button(alice, "Call").click();
  await callOf(alice, "bob").getByText("No microphone found.").waitFor();
  await button(alice, "Close").click();
  const carol = await visitAs("carol");
  await start(carol, ["bob"]);
  await opened(carol, "bob");
  await button(carol, "Call").click();
  await callOf(carol, "bob").getByText("Microphone access is blocked.").waitFor();
});

// The two continue to talk while the server is killed and started again.
test("A call continues while the server is away", ["whole_browser", "own_server"], async ({ server }) => {
  const [alice, bob] = await two({ expected: LOST });
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  const both = [alice, bob];
  for (const page of both) await page.getByRole("timer").waitFor();
  await server.kill();
  for (const page of both) await page.getByText("Reconnecting…").waitFor();
  for (const page of both) {
    const before = await received(page, "audio");
    await reaches(() => received(page, "audio"), (packets) => packets > before + 20);
  }
  // The server is asked to pass this on when it is there again.
  await button(alice, "Turn camera on").click();
  await button(alice, "Turn camera off").waitFor();
  await server.start();
  for (const page of both) await page.getByText("Reconnecting…").waitFor({ state: "hidden" });
  await reaches(() => received(bob, "video"), (frames) => frames > 5);
  // What needs the server works again: another picture, and another call afterwards.
  await button(bob, "Turn camera on").click();
  await reaches(() => received(alice, "video"), (frames) => frames > 5);
  await button(bob, "Hang up").click();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  await button(alice, "Call").click();
  await ringing(bob).getByText("alice is calling").waitFor();
  equal(await alice.evaluate(() => window.peers.length), 1);
});

// A dialog does not stay in front of the call that is accepted, unless something was entered there.
test("A dialog is not in front of an accepted call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  const accept = async (shown) => {
    await button(alice, "Call").click();
    await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
    await shown.getByRole("timer").waitFor();
  };
  const newGroup = bob.getByRole("dialog", { name: "New group" });
  await openSettings(bob, "Profile");
  await accept(callOf(bob, "alice"));
  await button(bob, "Hang up").click();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  await button(bob, "New conversation").click();
  await bob.getByRole("button", { name: /^New group/ }).click();
  await choose(bob, "carol");
  await accept(callOf(newGroup, "alice"));
  const chosen = bob.locator("dialog").getByRole("button", { name: "Remove carol" });
  equal(await chosen.count(), 1);
});

// A recording ends when its author accepts a call, which it would have as well, and none begins during a call.
test("A voice message has nothing of a call", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  await say(alice, "Can you talk?");
  await open(bob, "alice");
  const record = button(bob, "Record a voice message");
  await record.click();
  await button(bob, "Finish the recording").waitFor();
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await button(bob, "Finish the recording").waitFor({ state: "detached" });
  await becomes(() => bob.locator(".composer .tray li").count(), 1);
  await record.click();
  await bob.getByText("A voice message can be recorded after the call.").waitFor();
  equal(await button(bob, "Finish the recording").count(), 0);
});

// A dialog that is opened during a call shows it too, also the one in front of it, without an interruption.
test("A dialog shows the call behind it", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await bob.evaluate(() => document.querySelector("video.call-picture").setAttribute("data-first", ""));
  await button(bob, "New conversation").click();
  await bob.getByRole("button", { name: /^New group/ }).click();
  const dialog = bob.getByRole("dialog", { name: "New group" });
  const bar = callOf(dialog, "alice");
  await bar.getByRole("timer").waitFor();
  await bar.getByRole("button", { name: "Turn microphone off" }).click();
  await callOf(alice, "bob").getByText("bob is muted").waitFor();
  await bar.getByRole("button", { name: "Turn camera on" }).click();
  await bar.getByRole("button", { name: "Turn camera off" }).click();
  const [top, title] = [await bar.boundingBox(), await dialog.getByRole("heading").first().boundingBox()];
  ok(top.y + top.height <= title.y);

  await choose(bob, "carol");
  await dialog.getByRole("button", { name: "Close", exact: true }).click();
  const question = bob.getByRole("dialog").filter({ has: bob.getByRole("button", { name: "Discard" }) }).last();
  await callOf(question, "alice").getByRole("timer").waitFor();
  equal(await bob.locator(".call-bar").count(), 1);
  await bob.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });

  await bar.getByRole("button", { name: "Turn microphone on" }).click();
  await callOf(alice, "bob").getByText("Connected").waitFor();
  equal(await bob.locator("video.call-picture[data-first]").count(), 1);
  await bar.getByRole("button", { name: "Hang up" }).click();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  await bar.waitFor({ state: "detached" });
  ok(await dialog.evaluate((element) => element.contains(document.activeElement)));
});

// Anyone who does not want to be disturbed sees a call, beside what they do, and hears nothing.
test("A call does not disturb users who want that", ["whole_browser"], async () => {
  const [alice, bob] = await two();
  await bob.evaluate(() => window.played.splice(0));
  await call("PUT", "users/me/presence", "bob", { status: "dnd" });
  await alice.getByText("do not disturb").first().waitFor();
  await bob.getByRole("button", { name: "Your account: bob do not disturb" }).waitFor();
  await open(bob, "general");
  await bob.locator(".composer textarea").focus();
  await button(alice, "Call").click();
  await callOf(bob, "alice").getByText("alice is calling").waitFor();
  equal(await ringing(bob).count(), 0);
  equal(await bob.evaluate(() => document.activeElement.tagName), "TEXTAREA");
  await button(bob, "New conversation").click();
  const dialog = bob.getByRole("dialog", { name: "New conversation" });
  await callOf(dialog, "alice").getByRole("button", { name: "Decline" }).click();
  await callOf(alice, "bob").getByText("bob declined.").waitFor();
  // Only now: a sound is loaded before it is played.
  const played = await bob.evaluate(() => window.played);
  await call("PUT", "users/me/presence", "bob", { status: "online" });
  deepEqual(played, []);
});

// The window of a call is below the list of conversations, whose rows can all be seen, and covers nothing of what is
// read and written. Escape makes an enlarged one smaller before it closes what is behind.
test("The window of a call covers nothing that is read", ["whole_browser", "own_server"], async () => {
  for (let each = 0; each < 20; each++)
    await post("conversations", "alice", { kind: "group", name: `Room ${each}`, memberIds: ["carol"] });
  const [alice, bob] = await two();
  const { items } = await call("GET", "conversations", "alice");
  const { id } = items.find(({ kind }) => kind === "direct");
  const posted = (content, threadId) => post("messages", "alice", { conversationId: id, content, threadId });
  for (let each = 0; each < 30; each++) await posted(`Line ${each}`);
  const root = await posted("Root of it");
  for (let each = 0; each < 30; each++) await posted(`Reply ${each}`, root.id);
  await message(alice, "Root of it").waitFor();
  await alice.locator(".conversation .replies").click();
  const thread = alice.locator(".panel[aria-label=Thread]");
  const newest = alice.locator(".conversation").getByText("Root of it", { exact: true });
  const reply = thread.getByText("Reply 29", { exact: true });
  await reply.waitFor();
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  const shown = callOf(alice, "bob");
  await shown.getByRole("timer").waitFor();

  const read = { newest, reply, field: composer(alice.locator(".conversation")), replyField: composer(thread) };
  const coversNothing = async () => {
    await atEnd(alice);
    for (const [name, part] of Object.entries(read))
      ok(await until(() => isClear(shown, part), Boolean), `it covers ${name}`);
    ok(await until(() => isLastRowClear(alice, shown), Boolean), "it covers the last row");
  };
  for (const [width, height] of [[1440, 900], [1024, 768]]) {
    await alice.setViewportSize({ width, height });
    await coversNothing();
  }
  // What is said about an action does not cover the buttons of the call.
  await conversations(alice).last().click({ button: "right" });
  await alice.getByRole("menuitem", { name: "Archive" }).click();
  await alice.locator(".toast").waitFor();
  await becomes(() => isClear(shown, alice.locator(".toast")), true);

  await shown.getByRole("button", { name: "Enlarge" }).click();
  await shown.getByRole("button", { name: "Make smaller" }).waitFor();
  await alice.keyboard.press("Escape");
  await shown.getByRole("button", { name: "Enlarge" }).waitFor();
  equal(await thread.count(), 1);
  await alice.keyboard.press("Escape");
  await becomes(() => thread.count(), 0);
  await alice.locator(".conversation .replies").click();
  await reply.waitFor();
  await button(bob, "Hang up").click();
  await shown.getByText("The call has ended.").waitFor();
  await coversNothing();
});

// Whether neither covers the other, and both are on the screen.
async function isClear(one, other) {
  const [a, b] = [await one.boundingBox(), await other.boundingBox()];
  const { width, height } = one.page().viewportSize();
  const isInSight = (box) =>
    box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
  const isBeside = a.x + a.width <= b.x || b.x + b.width <= a.x;
  return [a, b].every(isInSight) && (isBeside || a.y + a.height <= b.y || b.y + b.height <= a.y);
}

// Whether the last conversation can be scrolled into sight above the call.
async function isLastRowClear(page, shown) {
  const list = page.locator(".conversations");
  const isAtEnd = await list.evaluate((it) => {
    it.scrollTo(0, it.scrollHeight);
    return it.scrollTop > 0 && it.scrollHeight - it.clientHeight - it.scrollTop < 1;
  });
  return isAtEnd && (await isClear(shown, conversations(page).last()));
}
