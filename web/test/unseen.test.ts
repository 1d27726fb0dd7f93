import { expect, it } from "vitest";
import { messages } from "../../clients/javascript/client/test/samples";
import { rowsOf } from "../src/chat/messages/rows";
import { advanced, fromStart, unseenAbove } from "../src/chat/messages/unseen";

const OTHERS = { myId: "nobody", atStart: true, hasFocus: true };
const UNREAD = { after: 10, count: 30 };
/** The rows of messages 1 to 40; those after 10 are unread. */
const ROWS = rowsOf({ messages: messages(1, 40), atStart: true, atEnd: true }, UNREAD.after, OTHERS.myId);

/** The indexes of rows, as what is on the screen. */
const scrolled = (first: number, last: number, rows = ROWS) => ({
  first: rows[first]?.message.seq ?? 0,
  last: rows[last]?.message.seq ?? 0,
  count: last - first + 1,
  jumped: false,
});
const jumped = (first: number, last: number, rows = ROWS) => ({ ...scrolled(first, last, rows), jumped: true });
const above = (first: number, last: number, progress = fromStart(UNREAD)) =>
  unseenAbove(progress, ROWS, scrolled(first, last), OTHERS, UNREAD);

it("what is unread below the screen is not above it", () => {
  expect(above(5, 15)).toBeNull();
  expect(above(10, 20)).toBeNull();
});

it("a jump over unread messages leaves them above, with the time of the first", () => {
  expect(above(35, 39)).toEqual({ after: 10, count: 30, since: ROWS[10]?.message.createdAt });
});

it("what is read without a gap counts as seen", () => {
  let progress = fromStart(UNREAD);
  for (const first of [8, 16, 24]) progress = advanced(progress, ROWS, scrolled(first, first + 8), OTHERS);
  expect(progress).toEqual({ upTo: 33, seen: 23, skips: false });
  expect(above(31, 39, progress)).toBeNull();
});

it("a jump does not advance until its reader is back where they left, and the rest is counted", () => {
  const read = advanced(fromStart(UNREAD), ROWS, scrolled(8, 14), OTHERS);
  let progress = advanced(read, ROWS, jumped(30, 39), OTHERS);
  for (const first of [29, 22, 30]) {
    progress = advanced(progress, ROWS, scrolled(first, first + 9), OTHERS);
    expect(progress).toEqual({ ...read, skips: true });
  }
  expect(above(30, 39, progress)).toEqual({ after: 15, count: 25, since: ROWS[15]?.message.createdAt });
  progress = advanced(progress, ROWS, jumped(14, 23), OTHERS);
  expect(progress).toEqual({ upTo: 24, seen: 14, skips: false });
});

it("whoever scrolls fast sees what they pass by", () => {
  const read = advanced(fromStart(UNREAD), ROWS, scrolled(8, 14), OTHERS);
  expect(advanced(read, ROWS, scrolled(30, 39), OTHERS)).toEqual({ upTo: 40, seen: 30, skips: false });
});

it("what comes while nobody looks is skipped, unless it is on the screen when somebody looks again", () => {
  const away = { ...OTHERS, hasFocus: false };
  const few = advanced(fromStart(UNREAD), ROWS, scrolled(8, 14), away);
  expect(few).toEqual(fromStart(UNREAD));
  expect(advanced(few, ROWS, scrolled(8, 14), OTHERS)).toEqual({ upTo: 15, seen: 5, skips: false });
  const many = advanced(fromStart(UNREAD), ROWS, scrolled(30, 39), away);
  expect(advanced(many, ROWS, scrolled(30, 39), OTHERS)).toEqual({ upTo: 10, seen: 0, skips: true });
});

it("messages that are not loaded are above, at an unknown time", () => {
  const late = rowsOf({ messages: messages(30, 40), atStart: false, atEnd: true }, UNREAD.after, OTHERS.myId);
  const view = { ...OTHERS, atStart: false };
  expect(unseenAbove(fromStart(UNREAD), late, scrolled(0, 10, late), view, UNREAD)).toEqual({ after: 10, count: 30 });
  expect(advanced(fromStart(UNREAD), late, jumped(0, 10, late), view)).toEqual({ ...fromStart(UNREAD), skips: true });
});

it("one's own messages are never unread", () => {
  const [mine] = ROWS.map(({ message }) => message.senderId);
  const view = { ...OTHERS, myId: mine ?? "" };
  expect(unseenAbove(fromStart(UNREAD), ROWS, scrolled(35, 39), view, UNREAD)).toBeNull();
});
