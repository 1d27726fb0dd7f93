// What is unread, what becomes read, and where the reader is meanwhile.
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  atEnd,
  call,
  composer,
  holdable,
  letters,
  listed,
  markAllAsRead,
  message,
  open,
  opened,
  pause,
  post,
  say,
  until,
  visitAs,
} from "./browser.mjs";
import { becomes, test } from "./scenario_tests.mjs";

const scroller = (page) => page.locator(".scroller");
const jump = (page) => page.getByRole("button", { name: /^Jump to newest/ });
const toast = (page) => page.locator(".toast");
const above = (page) => page.locator(".to-unseen-first");
const markAsRead = (page) => page.locator(".to-unseen").getByRole("button", { name: "Mark as read" });
const readSeq = async (id, user = "alice") => (await call("GET", `conversations/${id}`, user)).readSeq ?? 0;

// How far the reader has read, once nothing more is reported.
async function restingSeq(id) {
  for (let before = -1, now = await readSeq(id); ; before = now, now = await readSeq(id)) {
    if (now === before) return now;
    await pause(1_200);
  }
}

// Bob has written so many messages in a group, of which Alice has read the first ones.
async function unread(name, count, read) {
  const { id } = await post("conversations", "alice", { kind: "group", name, memberIds: ["bob"] });
  const ids = [];
  for (let number = 1; number <= count; number++)
    ids.push((await post("messages", "bob", { conversationId: id, content: `Word ${number}` })).id);
  if (read > 0) await post(`conversations/${id}/read`, "alice", { messageId: ids[read - 1] });
  return { id, ids };
}

// Whether all of a message is in the part of the list that one sees.
const inSight = (page, content) =>
  message(page, content)
    .first()
    .evaluate((it) => {
      const [{ top, bottom }, list] = [it.getBoundingClientRect(), it.closest(".scroller").getBoundingClientRect()];
      return top >= list.top && bottom <= list.bottom;
    })
    .catch(() => false);

const seen = (page, content) => until(() => inSight(page, content), Boolean);

async function wheel(page, pixels) {
  const { x, y, width, height } = await scroller(page).boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.wheel(0, pixels);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

// The first page of the list does not have the conversation that the address names.
test("A conversation that is not listed yet shows what is unread", ["crowded_server"], async () => {
  await post("conversations/project-3/read", "carol", {});
  const carol = await visitAs("carol", { path: "/#/conversation/project-2" });
  await message(carol, "Long ago").waitFor();
  await becomes(() => carol.locator(".unread-from").count(), 1);
  await carol.goto(carol.url().replace("project-2", "project-3"));
  await opened(carol, "Project 3");
  await message(carol, "Long ago").waitFor();
  equal(await carol.locator(".unread-from").count(), 0);
});

// One's own message is in sight, from wherever it was sent.
test("One's own message is in sight wherever it was written", ["crowded_server"], async () => {
  const { id, ids } = await unread("Own", 160, 60);
  const alice = await visitAs("alice");
  await open(alice, "Own");
  await message(alice, "Word 61").waitFor();
  // At the line above what is unread, with two pages below.
  equal(await alice.locator(".unread-from").count(), 1);
  await say(alice, "From the line");
  ok(await seen(alice, "From the line"));
  equal(await letters(alice).count(), 0);
  // Who writes has read, also what was skipped, unless they take it back.
  const undo = toast(alice).getByRole("button", { name: "Undo" });
  const undone = async () => {
    await undo.waitFor();
    const counted = Number.parseInt(await toast(alice).locator("p").textContent());
    const read = await until(() => readSeq(id), (seq) => seq >= 160);
    await undo.click();
    await undo.waitFor({ state: "detached" });
    return { counted, read, back: await until(() => readSeq(id), (seq) => seq < 160) };
  };
  const written = await undone();
  await markAsRead(alice).click();
  const { counted, read, back } = await undone();
  equal(Number(await listed(alice, "Own").locator(".count").textContent()), 160 - back);
  // What was on the screen for half a second before had been read.
  ok(back >= 60 && back < 90);
  ok(written.back === back && written.read >= 160);
  equal(counted, 160 - back);
  ok(read >= 160);

  // Far above, where neither end is loaded any more.
  await until(async () => {
    await wheel(alice, -2_000);
    return message(alice, "Word 1").isVisible();
  }, Boolean);
  await say(alice, "From far above");
  ok(await seen(alice, "From far above"));
  deepEqual(await lastTwo(alice), ["From the line", "From far above"]);

  // While a page is on its way, and after a link led to the middle.
  await alice.goto(`${alice.url().split("#")[0]}#/conversation/${id}/${ids[69]}`);
  await message(alice, "Word 70").waitFor();
  await say(alice, "From the middle");
  ok(await seen(alice, "From the middle"));
  deepEqual(await lastTwo(alice), ["From far above", "From the middle"]);
});

const lastTwo = async (page) => {
  await letters(page).waitFor({ state: "detached" });
  return (await page.locator(".message .text").allTextContents()).slice(-2);
};

// A message takes the same place before and after the server has it.
test("A message is drawn as what it becomes", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Same place", memberIds: ["bob"] });
  for (let number = 1; number <= 30; number++)
    await post("messages", "bob", { conversationId: id, content: `Word ${number}` });
  await post(`conversations/${id}/read`, "alice", {});
  const alice = await visitAs("alice");
  const held = await holdable(alice);
  await open(alice, "Same place");
  await atEnd(alice);
  const moved = [];
  for (const content of ["First of mine", "Another one", "Two lines\n\nof text"]) {
    held.hold();
    await say(alice, content);
    const words = new RegExp(`${content.split("\n").at(-1)}$`);
    const place = (within) =>
      alice.locator(`${within} .text`).getByText(words).evaluate((it) => {
        const { top, left, height } = it.closest(".message").getBoundingClientRect();
        const text = it.getBoundingClientRect();
        return [top, left, height, text.top, text.left].map(Math.round);
      });
    await letters(alice).waitFor();
    await atEnd(alice);
    const before = await place(".letter");
    held.release();
    await letters(alice).waitFor({ state: "detached" });
    await atEnd(alice);
    const after = await place(".message");
    if (String(before) !== String(after)) moved.push([content, before, after]);
  }
  deepEqual(moved, []);
});

// What was on the screen is read, also in the middle, on the next device and after a reload.
test("What was on the screen is read in the middle too", ["crowded_server"], async () => {
  const { id } = await unread("Long talk", 220, 20);
  const alice = await visitAs("alice");
  await open(alice, "Long talk");
  await message(alice, "Word 21").waitFor();
  await until(async () => {
    await wheel(alice, 500);
    return message(alice, "Word 90").isVisible();
  }, Boolean);
  // It is reported after half a second; the page draws a little more than what is in sight.
  const reported = async () => {
    const before = await readSeq(id);
    await pause(1_000);
    return [before, await readSeq(id)];
  };
  const [read] = await until(reported, ([before, after]) => before >= 60 && before === after);
  ok(read >= 60 && read < 200);
  await becomes(async () => Number(await listed(alice, "Long talk").locator(".count").textContent()), 220 - read);
  // The line stays where it was.
  const top = await alice.evaluate(() => {
    const list = document.querySelector(".scroller").getBoundingClientRect();
    const shown = [...document.querySelectorAll(".message .text")];
    return shown.find((it) => it.getBoundingClientRect().top >= list.top).textContent;
  });
  await alice.reload();
  await opened(alice, "Long talk");
  ok(await seen(alice, top));
  const other = await visitAs("alice");
  await open(other, "Long talk");
  ok(await seen(other, `Word ${read + 1}`));
  equal(await other.locator(".unread-from").count(), 1);
  // Upwards, nothing becomes unread again.
  await until(async () => {
    await wheel(alice, -2_000);
    return message(alice, "Word 5").isVisible();
  }, Boolean);
  await pause(1_000);
  ok((await readSeq(id)) >= read);
});

// What counts as read is what was on the screen to its end, however high the messages are.
test("Messages of any height are read once their end was in sight", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Heights", memberIds: ["bob"] });
  const ids = [];
  for (let number = 1; number <= 120; number++) {
    // The list takes the rows that it has not measured for as high as the first ones.
    const lines = Array.from({ length: number < 40 ? 0 : (number * 7) % 11 }, (_, line) => `Line ${line}`);
    ids.push((await post("messages", "bob", { conversationId: id, content: [`Word ${number}`, ...lines].join("\n") })).id);
  }
  await post(`conversations/${id}/read`, "alice", { messageId: ids[0] });
  const alice = await visitAs("alice");
  await open(alice, "Heights");
  await alice.locator(".message .text").getByText("Word 2", { exact: true }).waitFor();
  const last = () =>
    alice.evaluate(() => {
      const { bottom } = document.querySelector(".scroller").getBoundingClientRect();
      const shown = [...document.querySelectorAll(".message .text")].filter((it) => getComputedStyle(it).visibility === "visible");
      const seen = shown.filter((it) => it.getBoundingClientRect().bottom <= bottom);
      return Math.max(...seen.map((it) => Number(/Word (\d+)/.exec(it.textContent)[1])));
    });
  const counted = [];
  for (const pixels of [600, 800, 600, 700, 1_500]) {
    await wheel(alice, pixels);
    const read = await restingSeq(id);
    counted.push(read - (await last()));
  }
  deepEqual(counted, [0, 0, 0, 0, 0]);
  ok((await last()) > 30);
});

// What a page shows that goes away at once counts as well.
test("A page that goes away has read what it showed", ["crowded_server"], async () => {
  const { id } = await unread("Left", 120, 20);
  const alice = await visitAs("alice");
  await open(alice, "Left");
  await message(alice, "Word 21").waitFor();
  // The list has found its place. What is in sight for half a second is read anyway.
  await pause(300);
  await wheel(alice, 1_200);
  const lowest = await alice.evaluate(() => {
    const list = document.querySelector(".scroller").getBoundingClientRect();
    const shown = [...document.querySelectorAll(".message .text")];
    return shown.findLast((it) => it.getBoundingClientRect().bottom <= list.bottom - 40).textContent;
  });
  await alice.goto("about:blank");
  const number = Number(lowest.split(" ")[1]);
  ok((await until(() => readSeq(id), (seq) => seq >= number)) >= number);
});

// Escape in a message field with a text closes what is open, and reads nothing. In an empty one, where the focus is after a
// conversation was opened, it goes to the newest message, and once more marks all as read.
test("Escape in the message field reads nothing by accident", ["crowded_server"], async () => {
  const { id } = await unread("Escape", 120, 20);
  const alice = await visitAs("alice");
  await open(alice, "Escape");
  await message(alice, "Word 21").waitFor();
  await composer(alice).pressSequentially("@bo");
  await alice.locator("[role=listbox] [role=option]").first().waitFor();
  for (let times = 0; times < 3; times++) await alice.keyboard.press("Escape");
  await pause(1_200);
  equal(await alice.locator("[role=listbox]").count(), 0);
  equal(await composer(alice).inputValue(), "@bo");
  // What is on the screen is read after half a second.
  ok((await readSeq(id)) < 60);
  ok(await inSight(alice, "Word 21"));
  await composer(alice).fill("");
  await alice.keyboard.press("Escape");
  await seen(alice, "Word 120");
  const jumped = await restingSeq(id);
  ok(jumped < 60);
  await alice.keyboard.press("Escape");
  const undo = toast(alice).getByRole("button", { name: "Undo" });
  await undo.waitFor();
  await becomes(() => readSeq(id), 120);
  equal(await composer(alice).evaluate((it) => it === document.activeElement), true);
  await undo.click();
  await becomes(() => readSeq(id), jumped);
});

// Everything in all conversations is read at once, and can be unread again.
test("Marking all as read can be undone", ["crowded_server"], async () => {
  const { id: one } = await unread("One", 3, 0);
  const { id: two } = await unread("Two", 4, 2);
  const alice = await visitAs("alice");
  await markAllAsRead(alice);
  for (const name of ["One", "Two"]) await listed(alice, name).locator(".count").waitFor({ state: "detached" });
  await toast(alice).getByRole("button", { name: "Undo" }).click();
  const counts = [];
  for (const name of ["One", "Two"]) counts.push(await listed(alice, name).locator(".count").textContent());
  deepEqual(counts, ["3", "2"]);
  deepEqual([await readSeq(one), await readSeq(two)], [0, 2]);
});

// What comes while one looks elsewhere stands below a line; a button leads to the first of it.
test("What comes while one looks elsewhere is below a line", ["crowded_server"], async () => {
  const { id } = await post("conversations", "alice", { kind: "group", name: "Elsewhere", memberIds: ["bob"] });
  for (let number = 1; number <= 30; number++)
    await post("messages", "bob", { conversationId: id, content: `Word ${number}` });
  await post(`conversations/${id}/read`, "alice", {});
  const alice = await visitAs("alice");
  await open(alice, "Elsewhere");
  await atEnd(alice);
  await alice.evaluate(() => {
    Object.defineProperty(document, "hasFocus", { value: () => false, configurable: true });
    window.dispatchEvent(new Event("blur"));
  });
  for (let number = 1; number <= 40; number++)
    await post("messages", "bob", { conversationId: id, content: `Meanwhile ${number}` });
  await message(alice, "Meanwhile 40").waitFor();
  equal(await readSeq(id), 30);
  await alice.evaluate(() => {
    Object.defineProperty(document, "hasFocus", { value: () => true, configurable: true });
    window.dispatchEvent(new Event("focus"));
  });
  // Counts follow the messages that they count.
  const label = await until(() => above(alice).textContent(), (text) => text.startsWith("40 "));
  equal(label.replace(/\d\d?:\d\d\s[AP]M/, "TIME"), "40 new since TIME");
  equal(await restingSeq(id), 30);
  await above(alice).click();
  await seen(alice, "Meanwhile 1");
  equal(
    await alice.locator(".row", { has: alice.locator(".unread-from") }).locator(".text").first().textContent(),
    "Meanwhile 1",
  );
  await above(alice).waitFor({ state: "detached" });
  // The next time, the line stands above what came then.
  await until(async () => {
    await wheel(alice, 900);
    return message(alice, "Meanwhile 40").isVisible();
  }, Boolean);
  await wheel(alice, 5_000);
  await atEnd(alice);
  // Reading on from the first of them has read all.
  await until(() => readSeq(id), (seq) => seq === 70);
  await until(async () => {
    await wheel(alice, -900);
    return jump(alice).isVisible();
  }, Boolean);
  await post("messages", "bob", { conversationId: id, content: "While above" });
  await jump(alice).filter({ hasText: "1" }).waitFor();
  await jump(alice).click();
  await seen(alice, "While above");
  equal(
    await alice.locator(".row", { has: alice.locator(".unread-from") }).locator(".text").first().textContent(),
    "While above",
  );
});

// Anyone who jumps to the newest message skips what is unread: it stays so in other conversations and after a reload,
// and the way back leads to where they had read to.
test("What a jump skips stays unread", ["crowded_server"], async () => {
  const { id } = await unread("Skipped", 200, 20);
  await post("conversations", "alice", { kind: "group", name: "Beside it", memberIds: ["bob"] });
  const alice = await visitAs("alice");
  await open(alice, "Skipped");
  await message(alice, "Word 21").waitFor();
  await until(async () => {
    await wheel(alice, 400);
    return message(alice, "Word 60").isVisible();
  }, Boolean);
  const read = await restingSeq(id);
  await jump(alice).click();
  await seen(alice, "Word 200");
  await above(alice).waitFor();
  equal(await restingSeq(id), read);
  await post("messages", "bob", { conversationId: id, content: "Meanwhile" });
  await seen(alice, "Meanwhile");
  const count = () => listed(alice, "Skipped").locator(".count").textContent();
  await becomes(count, String(201 - read));
  await open(alice, "Beside it");
  await open(alice, "Skipped");
  ok(await seen(alice, `Word ${read + 1}`));
  const further = await restingSeq(id);
  await jump(alice).click();
  await seen(alice, "Meanwhile");
  await above(alice).click();
  ok(await seen(alice, `Word ${further + 1}`));
  // Escape goes to the newest message, and once more marks all as read.
  await alice.locator(".scroller").focus();
  await alice.keyboard.press("Escape");
  await seen(alice, "Meanwhile");
  const before = await restingSeq(id);
  ok(before < further + 60);
  await alice.locator(".scroller").focus();
  await alice.keyboard.press("Escape");
  await toast(alice).getByRole("button", { name: "Undo" }).waitFor();
  await becomes(() => readSeq(id), 201);
});

// Anyone who is idle reads nothing of the conversation that they have left open, until they are back.
test("A reader who is idle reads nothing", ["crowded_server"], async () => {
  const { id } = await unread("Idle", 3, 3);
  const alice = await visitAs("alice");
  await alice.clock.install();
  await alice.reload();
  await open(alice, "Idle");
  await message(alice, "Word 3").waitFor();
  await alice.clock.fastForward("05:01");
  await alice.getByRole("button", { name: /^Your account: alice.* away$/ }).waitFor();
  await post("messages", "bob", { conversationId: id, content: "While idle" });
  await message(alice, "While idle").waitFor();
  await becomes(() => alice.locator(".unread-from").count(), 1);
  await becomes(() => listed(alice, "Idle").locator(".count").count(), 1);
  const meanwhile = await restingSeq(id);
  await alice.mouse.move(300, 300);
  await becomes(() => readSeq(id), meanwhile + 1);
  equal(await alice.locator(".unread-from").count(), 1);
});

// The wheel works wherever the pointer is.
test("The wheel works above the button to the newest", ["crowded_server"], async () => {
  await unread("Wheel", 120, 120);
  const alice = await visitAs("alice");
  await open(alice, "Wheel");
  await atEnd(alice);
  await until(async () => {
    await wheel(alice, -600);
    return jump(alice).isVisible();
  }, Boolean);
  await jump(alice).hover();
  // The first one in sight: older messages that come in above change how far the list is scrolled.
  const first = () =>
    scroller(alice).evaluate((it) => {
      const { top } = it.getBoundingClientRect();
      const texts = [...it.querySelectorAll(".message .text")];
      return Number(texts.find((each) => each.getBoundingClientRect().top >= top)?.textContent.split(" ")[1]);
    });
  const before = await first();
  await alice.mouse.wheel(0, -500);
  const after = await until(first, (number) => number <= before - 8);
  ok(after <= before - 8);
});

// Anyone who comes back to a conversation in which something was written meanwhile sees that; a reload leads to where they
// were.
test("What was written meanwhile is seen at once", ["crowded_server"], async () => {
  const { id, ids } = await unread("Left behind", 120, 120);
  await post("conversations", "alice", { kind: "group", name: "Away from it", memberIds: ["bob"] });
  const alice = await visitAs("alice");
  await open(alice, "Left behind");
  await seen(alice, "Word 120");
  const goBack = async () => {
    const shown = () => alice.locator(".message").filter({ hasText: /Word 1?[0-4]\d?$/ }).first().isVisible();
    await until(async () => {
      await wheel(alice, -1_000);
      return shown();
    }, Boolean);
  };
  const topmost = () =>
    scroller(alice).evaluate((it) => {
      const { top } = it.getBoundingClientRect();
      const found = [...it.querySelectorAll(".message .text")].find((each) => each.getBoundingClientRect().top >= top);
      return found?.textContent;
    });
  await goBack();
  await pause(500);
  await open(alice, "Away from it");
  await post("messages", "bob", { conversationId: id, content: "Near" });
  await listed(alice, "Left behind").locator(".count").waitFor();
  await open(alice, "Left behind");
  ok(await seen(alice, "Near"));
  await becomes(() => alice.locator(".unread-from").count(), 1);
  await listed(alice, "Left behind").locator(".count").waitFor({ state: "detached" });
  // The same far back, where the newest messages are not loaded.
  await alice.evaluate((hash) => (location.hash = hash), `#/conversation/${id}/${ids[0]}`);
  await seen(alice, "Word 1");
  await open(alice, "Away from it");
  await post("messages", "bob", { conversationId: id, content: "Far" });
  await listed(alice, "Left behind").locator(".count").waitFor();
  await open(alice, "Left behind");
  ok(await seen(alice, "Far"));
  await listed(alice, "Left behind").locator(".count").waitFor({ state: "detached" });
  // Where nothing is unread, and after a reload, the place stays.
  await goBack();
  await pause(500);
  const left = await topmost();
  await open(alice, "Away from it");
  await open(alice, "Left behind");
  await becomes(topmost, left);
  await post("messages", "bob", { conversationId: id, content: "While above" });
  await listed(alice, "Left behind").locator(".count").waitFor();
  await alice.reload();
  await opened(alice, "Left behind");
  await becomes(topmost, left);
});

// A last message just below the screen is not overlooked: the button to the newest ones is there while it is unread.
test("A message just below the screen is not overlooked", ["crowded_server"], async () => {
  await unread("Sizes of rows", 40, 40);
  const alice = await visitAs("alice");
  await open(alice, "Sizes of rows");
  await seen(alice, "Word 40");
  const height = (locator) => locator.evaluate((it) => it.getBoundingClientRect().height);
  const rows = alice.locator(".row");
  const usual = await height(rows.last());
  const room = (await height(scroller(alice))) - 10;
  await unread("Just below", 80, 80 - Math.round(room / usual));
  await open(alice, "Just below");
  await alice.locator(".scroller .unread-from").waitFor();
  const left = await until(
    () => scroller(alice).evaluate((it) => it.scrollHeight - it.scrollTop - it.clientHeight),
    (pixels) => pixels > 16 && pixels < 120,
  );
  ok(left > 16 && left < 120, `${left} pixels below`);
  await becomes(() => jump(alice).count(), 1);
  await jump(alice).click();
  await until(() => jump(alice).count(), (count) => count === 0);
  equal(await jump(alice).count(), 0);
});
