import {
  LOST,
  answers,
  call,
  anotherTab,
  atEnd,
  choose,
  composer,
  conversations,
  launch,
  letters,
  listed,
  message,
  open,
  opened,
  openSettings,
  post,
  report,
  say,
  start,
  until as readUntil,
  visitAs,
} from "../browser.mjs";

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
    return inbound.reduce((sum, { packetsReceived, framesDecoded }) => sum + (wanted === "video" ? framesDecoded : packetsReceived), 0);
  }, kind);

async function until(read, fulfilled) {
  const value = await readUntil(read, fulfilled);
  if (!fulfilled(value)) throw new Error(`still ${JSON.stringify(value)}`);
  return value;
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

export async function talk() {
  await call("PATCH", "users/me", "alice", { avatar: "/icon-192.png" });
  const [alice, bob] = await two();
  const secondTab = await anotherTab(bob, "bob");
  await button(alice, "Call").click();
  await callOf(alice, "bob").getByText("Ringing…").waitFor();
  for (const tab of [bob, secondTab]) await ringing(tab).getByText("alice is calling").waitFor();
  const rang = async () => (await Promise.all([bob, secondTab].map((tab) => tab.evaluate(() => window.played)))).map((played) => played.includes("ring"));
  await until(rang, (each) => each.includes(true));
  await alice.waitForFunction(() => window.played.length > 0);
  await bob.locator("[role=alertdialog]:focus").waitFor();
  report("rings", {
    tabs: (await rang()).filter(Boolean).length,
    // However often by now.
    caller: await alice.evaluate(() => [...new Set(window.played)]),
    focus: await bob.evaluate(() => document.activeElement.getAttribute("role")),
    // As of other dialogs, of which bob has opened none.
    corners: await ringing(bob).evaluate((dialog) => getComputedStyle(dialog).borderRadius),
  });

  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await ringing(secondTab).waitFor({ state: "detached" });
  for (const [page, other] of [[alice, "bob"], [bob, "alice"]]) await callOf(page, other).getByRole("timer").waitFor();
  for (const page of [alice, bob]) await until(() => received(page, "audio"), (packets) => packets > 20);

  const portraits = await callOf(bob, "alice").locator(".avatar img").count();
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
  await until(() => received(bob, "video"), (frames) => frames > 5);
  await bob.locator("video.call-picture:not(.own)").waitFor();
  await button(bob, "Turn camera on").click();
  await until(() => received(alice, "video"), (frames) => frames > 5);
  await button(alice, "Turn camera off").click();
  await bob.locator("video.call-picture:not(.own)").waitFor({ state: "hidden" });
  const before = await received(bob, "audio");
  await until(() => received(bob, "audio"), (packets) => packets > before);

  await button(bob, "Hang up").click();
  // The notice is shown for six seconds.
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  await callOf(bob, "alice").waitFor({ state: "detached" });
  await alice.waitForFunction(() => window.peers.every(({ connectionState }) => connectionState === "closed"));
  report("talked", {
    portraits,
    closed: await alice.evaluate(() => window.peers.map(({ connectionState }) => connectionState)),
    second: await secondTab.evaluate(() => window.peers.length),
  });
}

// A page that is opened or reloaded while a call rings shows it too, beside another device that keeps ringing.
export async function opened_while_ringing() {
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
  await until(() => received(second, "audio"), (packets) => packets > 20);
  await bob.reload();
  await conversations(bob).first().waitFor();
  report("answered", { rings: await ringing(bob).count() });
  await button(second, "Hang up").click();
}

// Who reloads the page in a call calls again at once; from another device, after a question.
export async function reloaded() {
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
  report("called again", { questions: await alice.getByRole("dialog").count() });

  const second = await visitAs("alice", { permissions, init: observe });
  await open(second, "bob");
  const instead = button(second, "End it and call from here");
  await button(second, "Call").click();
  await instead.waitFor();
  await button(second, "Cancel").click();
  report("asked", { talking: await callOf(alice, "bob").getByRole("timer").count() });
  await button(second, "Call").click();
  await instead.click();
  await answer(second);
  await callOf(alice, "bob").waitFor({ state: "detached" });
  report("called from there", { old: await callOf(alice, "bob").count() });
}

// A call that the server refuses because one has blocked the other is not offered again.
export async function blocked_caller() {
  const [alice] = await two();
  await call("PUT", "users/me/blocks/alice", "bob");
  await button(alice, "Call").click();
  const over = callOf(alice, "bob");
  await over.getByText("blocked").waitFor();
  await over.getByRole("button", { name: "Close" }).waitFor();
  const offered = await over.getByRole("button").allTextContents();
  await call("DELETE", "users/me/blocks/alice", "bob");
  report("refused", { offered });
}

// How the dialog of an incoming call looks on windows of several sizes. The longest buttons are those of a video call.
export async function ringing_layout() {
  await call("PATCH", "users/me", "alice", { name: "Nora Keller" });
  const [alice, bob] = await two();
  await button(alice, "Video call").click();
  await ringing(bob).getByText("is video calling").waitFor();
  const measured = {};
  for (const [width, height] of [[1440, 900], [1100, 700], [390, 844]]) {
    await bob.setViewportSize({ width, height });
    measured[width] = await ringing(bob).evaluate((dialog) => {
      const frame = dialog.getBoundingClientRect();
      const title = dialog.querySelector("h2");
      const text = document.createRange();
      text.selectNodeContents(title);
      const middle = (box) => box.left + box.width / 2;
      const isWithin = (box) => box.left >= frame.left + 12 && box.right <= frame.right - 12 && box.bottom <= frame.bottom - 12;
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
  }
  await call("PATCH", "users/me", "alice", { name: "alice" });
  report("measured", measured);
}

// The buttons of a call can be reached where letters are twice as large, on small windows too.
export async function large_text() {
  const [alice, bob] = await two();
  await bob.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
  await button(alice, "Video call").click();
  await ringing(bob).getByText("is video calling").waitFor();
  const cutOff = {};
  for (const [width, height] of [[390, 844], [320, 640], [844, 390]]) {
    await bob.setViewportSize({ width, height });
    cutOff[`ringing ${width}`] = await cutOffIn(ringing(bob));
  }
  const inSight = await ringing(bob).evaluate((dialog) => {
    dialog.scrollTo(0, 0);
    const { bottom } = [...dialog.querySelectorAll("button")].at(1).getBoundingClientRect();
    return bottom <= dialog.getBoundingClientRect().bottom;
  });
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  const shown = callOf(bob, "alice");
  await shown.getByRole("timer").waitFor();
  const rows = () =>
    shown.locator(".controls button").evaluateAll((all) => new Set(all.map((each) => each.getBoundingClientRect().top)).size);
  const onItsSide = await rows();
  await bob.setViewportSize({ width: 320, height: 640 });
  cutOff.normal = await cutOffIn(shown);
  await shown.getByRole("button", { name: "Enlarge" }).click();
  cutOff.large = await cutOffIn(shown);
  await shown.getByRole("button", { name: "Make smaller" }).click();
  await bob.setViewportSize({ width: 1024, height: 768 });
  await shown.getByRole("button", { name: "Devices" }).click();
  const first = shown.getByRole("combobox").first();
  const devices = {
    rows: await readUntil(() => wholeRows(bob), (count) => count >= 3),
    first: await readUntil(() => isWithin(first, shown), Boolean),
    hangUp: await isWithin(shown.getByRole("button", { name: "Hang up" }), shown),
  };
  await shown.getByRole("button", { name: "Hang up" }).click();
  report("measured", { cutOff, inSight, onItsSide, devices: { ...devices, rows: Math.min(devices.rows, 3) } });
}

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
export async function share() {
  const from = await launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream");
  const [alice, bob] = await two({ from });
  await button(alice, "Video call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(bob, "alice").getByRole("timer").waitFor();
  await until(() => received(bob, "video"), (frames) => frames > 5);
  await until(() => ratioOf(bob, "Camera of alice"), isCamera);

  await button(alice, "Share your screen").click();
  await callOf(alice, "bob").getByText("bob sees your screen").waitFor();
  await callOf(bob, "alice").getByText("alice is sharing a screen").waitFor();
  await until(() => ratioOf(bob, "Screen of alice"), isScreen);
  const sharing = await alice.locator("video.own").getAttribute("aria-label");
  await button(alice, "Turn camera on").click();
  await until(() => ratioOf(bob, "Camera of alice"), isCamera);
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
  const microphoneSent = await until(sends, (label) => label === "Fake Audio Input 2");
  const before = await received(bob, "audio");
  await until(() => received(bob, "audio"), (packets) => packets > before + 20);
  await button(alice, "Hang up").click();
  await callOf(alice, "bob").waitFor({ state: "detached" });

  // The next call has the chosen microphone, and another one where that is not connected.
  await alice.evaluate(() => localStorage.setItem("talkwire.devices", JSON.stringify({ audioinput: "unplugged" })));
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  await callOf(alice, "bob").getByRole("timer").waitFor();
  await button(alice, "Hang up").click();
  report("shared", { sharing, microphone: microphoneSent });
}

// A busy browser sends smaller pictures, of the same form: the camera's are 4:3, and the screen's nearly 16:9.
const ratioOf = (page, label) =>
  page.getByLabel(label).evaluate(({ videoWidth, videoHeight }) => videoWidth / videoHeight, undefined, { timeout: 15_000 });
const isCamera = (ratio) => ratio > 1.2 && ratio < 1.5;
const isScreen = (ratio) => ratio > 1.6;

export async function refused() {
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
  const rows = [await until(() => last(bob, "alice"), (text) => text.startsWith("Missed"))];
  const tab = await anotherTab(bob, "bob");
  rows.push(await last(tab, "alice"), await until(() => last(alice, "bob"), (text) => text.startsWith("No one")));
  await tab.close();
  report("missed", { ringing: await ringing(bob).count(), rows });

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
  for (const page of [alice, bob]) await until(() => received(page, "audio"), (packets) => packets > 5);
  await button(alice, "Hang up").click();
  await callOf(bob, "alice").getByText("The call has ended.").waitFor();
}

// The server lets it ring for some seconds, in which the other one's browser has to load what rings.
export async function unanswered() {
  const [alice, bob] = await two({ expected: LOST });
  await button(alice, "Call").click();
  await ringing(bob).waitFor();
  await callOf(alice, "bob").getByText("bob did not answer.").waitFor();
  await callOf(bob, "alice").getByText("Missed call from alice").waitFor();
  // No dialog that is opened later says it again. It goes by itself.
  await bob.keyboard.press("Control+k");
  await bob.locator("dialog.switcher").waitFor();
  const repeated = await bob.locator("dialog .call-bar").count();
  await bob.keyboard.press("Escape");
  await callOf(bob, "alice").waitFor({ state: "detached" });
  // The call is mentioned in the conversation, also above a message that waits.
  await open(bob, "alice");
  const line = bob.locator(".conversation .notice-line").getByText("Missed call from alice");
  await line.waitFor();
  await bob.context().setOffline(true);
  await say(bob, "I was away");
  await letters(bob).getByText("I was away").waitFor();
  const above = await line.count();
  await bob.context().setOffline(false);
  await message(bob, "I was away").waitFor();
  report("unanswered", { repeated, above, after: await line.count() });
}

export async function busy() {
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
  const missed = await readUntil(
    () => call("GET", "notifications", "bob").then(({ items }) => items.filter(missedHere).length),
    (count) => count > 0,
  );
  const talking = await callOf(bob, "alice").getByRole("timer").count();
  report("busy", { ringing: await ringing(bob).count(), talking, missed });
}

// A missed call makes its row bold and unread, also after a reload, until it is marked as read or opened.
export async function missed_row() {
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
  const isPlain = () => readUntil(() => bold.count(), (count) => count === 0);
  await miss();
  await bob.reload();
  await bold.waitFor();
  const counts = await bold.locator(".count").count();
  await button(bob, "Unread only").click();
  await bold.waitFor();
  await bob.getByRole("button", { name: "Mark all messages as read" }).click();
  await listed(bob, "alice").waitFor({ state: "detached" });
  await button(bob, "Unread only").click();

  await miss();
  await listed(bob, "alice").click({ button: "right" });
  await bob.getByRole("menuitem", { name: "Mark as read" }).click();
  const marked = await isPlain();
  await miss();
  await open(bob, "alice");
  const opened = await isPlain();
  const unread = await readUntil(
    () => call("GET", "notifications", "bob").then((answer) => answer.unread),
    (count) => count === 0,
  );
  report("missed", { counts, marked, opened, unread });
}

// One browser has neither microphone nor camera, the other may not use them.
export async function problems() {
  const [alice] = await two({ from: await launch() });
  await button(alice, "Call").click();
  await callOf(alice, "bob").getByText("No microphone found.").waitFor();
  await button(alice, "Close").click();
  const carol = await visitAs("carol");
  await start(carol, ["bob"]);
  await opened(carol, "bob");
  await button(carol, "Call").click();
  await callOf(carol, "bob").getByText("Microphone access is blocked.").waitFor();
  report("shown");
}

// Anyone who runs this kills the server and starts it again, and answers when that is done: the two continue to talk.
export async function restart() {
  const [alice, bob] = await two({ expected: LOST });
  await button(alice, "Call").click();
  await ringing(bob).getByRole("button", { name: "Accept", exact: true }).click();
  const both = [alice, bob];
  for (const page of both) await page.getByRole("timer").waitFor();
  report("ready");
  for (const page of both) await page.getByText("Reconnecting…").waitFor();
  for (const page of both) {
    const before = await received(page, "audio");
    await until(
      () => received(page, "audio"),
      (packets) => packets > before + 20,
    );
  }
  // The server is asked to pass this on when it is there again.
  await button(alice, "Turn camera on").click();
  await button(alice, "Turn camera off").waitFor();
  report("went on alone");
  await answers.next();
  for (const page of both) await page.getByText("Reconnecting…").waitFor({ state: "hidden" });
  await until(
    () => received(bob, "video"),
    (frames) => frames > 5,
  );
  // What needs the server works again: another picture, and another call afterwards.
  await button(bob, "Turn camera on").click();
  await until(
    () => received(alice, "video"),
    (frames) => frames > 5,
  );
  await button(bob, "Hang up").click();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  await button(alice, "Call").click();
  await ringing(bob).getByText("alice is calling").waitFor();
  report("went on", { connections: await alice.evaluate(() => window.peers.length) });
}

// A dialog does not stay in front of the call that is accepted, unless something was entered there.
export async function behind_dialog() {
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
  report("accepted", { chosen: await chosen.count() });
}

// A recording ends when its author accepts a call, which it would have as well, and none begins during a call.
export async function recording() {
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
  const kept = await readUntil(() => bob.locator(".composer .tray li").count(), (count) => count > 0);
  await record.click();
  await bob.getByText("A voice message can be recorded after the call.").waitFor();
  report("recorded", { kept, records: await button(bob, "Finish the recording").count() });
}

// A dialog that is opened during a call shows it too, also the one in front of it, without an interruption.
export async function in_dialog() {
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

  await choose(bob, "carol");
  await dialog.getByRole("button", { name: "Close", exact: true }).click();
  const question = bob.getByRole("dialog").filter({ has: bob.getByRole("button", { name: "Discard" }) }).last();
  await callOf(question, "alice").getByRole("timer").waitFor();
  const bars = await bob.locator(".call-bar").count();
  await bob.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });

  await bar.getByRole("button", { name: "Turn microphone on" }).click();
  await callOf(alice, "bob").getByText("Connected").waitFor();
  const same = await bob.locator("video.call-picture[data-first]").count();
  await bar.getByRole("button", { name: "Hang up" }).click();
  await callOf(alice, "bob").getByText("The call has ended.").waitFor();
  await bar.waitFor({ state: "detached" });
  const focus = await dialog.evaluate((element) => element.contains(document.activeElement));
  report("shown", { above: top.y + top.height <= title.y, bars, same, focus });
}

// Anyone who does not want to be disturbed sees a call, beside what they do, and hears nothing.
export async function do_not_disturb() {
  const [alice, bob] = await two();
  await bob.evaluate(() => window.played.splice(0));
  await call("PUT", "users/me/presence", "bob", { status: "dnd" });
  await alice.getByText("do not disturb").first().waitFor();
  await bob.getByRole("button", { name: "Your account: bob do not disturb" }).waitFor();
  await open(bob, "general");
  await bob.locator(".composer textarea").focus();
  await button(alice, "Call").click();
  await callOf(bob, "alice").getByText("alice is calling").waitFor();
  const modal = await ringing(bob).count();
  const focus = await bob.evaluate(() => document.activeElement.tagName);
  await button(bob, "New conversation").click();
  await callOf(bob.getByRole("dialog", { name: "New conversation" }), "alice").getByRole("button", { name: "Decline" }).click();
  await callOf(alice, "bob").getByText("bob declined.").waitFor();
  // Only now: a sound is loaded before it is played.
  const played = await bob.evaluate(() => window.played);
  await call("PUT", "users/me/presence", "bob", { status: "online" });
  report("called", { modal, focus, played });
}

// The window of a call is below the list of conversations, whose rows can all be seen, and covers nothing of what is read
// and written. Escape makes an enlarged one smaller before it closes what is behind.
export async function beside_thread() {
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
  const measure = async () => {
    await atEnd(alice);
    const clear = {};
    for (const [name, part] of Object.entries(read)) clear[name] = await readUntil(() => isClear(shown, part), Boolean);
    clear.lastRow = await readUntil(() => isLastRowClear(alice, shown), Boolean);
    return clear;
  };
  const measured = {};
  for (const [width, height] of [[1440, 900], [1024, 768]]) {
    await alice.setViewportSize({ width, height });
    measured[width] = await measure();
  }
  // What is said about an action does not cover the buttons of the call.
  await conversations(alice).last().click({ button: "right" });
  await alice.getByRole("menuitem", { name: "Archive" }).click();
  await alice.locator(".toast").waitFor();
  const toast = await readUntil(() => isClear(shown, alice.locator(".toast")), Boolean);
  report("measured", { ...measured, toast });

  await shown.getByRole("button", { name: "Enlarge" }).click();
  await shown.getByRole("button", { name: "Make smaller" }).waitFor();
  await alice.keyboard.press("Escape");
  await shown.getByRole("button", { name: "Enlarge" }).waitFor();
  const threads = [await thread.count()];
  await alice.keyboard.press("Escape");
  threads.push(await readUntil(() => thread.count(), (count) => count === 0));
  await alice.locator(".conversation .replies").click();
  await reply.waitFor();
  await button(bob, "Hang up").click();
  await shown.getByText("The call has ended.").waitFor();
  report("ended", { clear: await measure(), threads });
}

// Whether neither covers the other, and both are on the screen.
async function isClear(one, other) {
  const [a, b] = [await one.boundingBox(), await other.boundingBox()];
  const { width, height } = one.page().viewportSize();
  const isInSight = [a, b].every((box) => box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height);
  const isBeside = a.x + a.width <= b.x || b.x + b.width <= a.x;
  return isInSight && (isBeside || a.y + a.height <= b.y || b.y + b.height <= a.y);
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
