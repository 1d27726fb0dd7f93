import { expect, it } from "vitest";
import { messages } from "../../clients/javascript/client/test/samples";
import { rowsOf } from "../src/chat/messages/rows";
import { advanced, fromStart, unseenAbove } from "../src/chat/messages/unseen";

const OTHERS = { myId: "nobody", atStart: true };
const UNREAD = { after: 10, count: 30 };
/** The rows of messages 1 to 40; those after 10 are unread. */
const ROWS = rowsOf({ messages: messages(1, 40), atStart: true, atEnd: true }, UNREAD.after, OTHERS.myId);

const above = (first: number, last: number, progress = fromStart(UNREAD)) =>
  unseenAbove(progress, ROWS, { first, last }, OTHERS, UNREAD);

it("what is unread below the screen is not above it", () => {
  expect(above(5, 15)).toBeNull();
  expect(above(10, 20)).toBeNull();
});

it("a jump over unread messages leaves them above, with the time of the first", () => {
  expect(above(35, 39)).toEqual({ count: 30, since: ROWS[10]?.message.createdAt });
});

it("what is read without a gap counts as seen", () => {
  let progress = fromStart(UNREAD);
  for (const first of [8, 16, 24]) progress = advanced(progress, ROWS, { first, last: first + 8 }, OTHERS);
  expect(progress).toEqual({ upTo: 33, seen: 23 });
  expect(above(31, 39, progress)).toBeNull();
});

it("a jump does not advance, and the rest is counted", () => {
  const read = advanced(fromStart(UNREAD), ROWS, { first: 8, last: 14 }, OTHERS);
  expect(advanced(read, ROWS, { first: 30, last: 39 }, OTHERS)).toBe(read);
  expect(above(30, 39, read)).toEqual({ count: 25, since: ROWS[15]?.message.createdAt });
});

it("messages that are not loaded are above, at an unknown time", () => {
  const late = rowsOf({ messages: messages(30, 40), atStart: false, atEnd: true }, UNREAD.after, OTHERS.myId);
  const sight = { first: 0, last: 10 };
  const view = { ...OTHERS, atStart: false };
  expect(unseenAbove(fromStart(UNREAD), late, sight, view, UNREAD)).toEqual({ count: 30 });
  expect(advanced(fromStart(UNREAD), late, sight, view)).toEqual(fromStart(UNREAD));
});

it("one's own messages are never unread", () => {
  const [mine] = ROWS.map(({ message }) => message.senderId);
  const view = { myId: mine ?? "", atStart: true };
  expect(unseenAbove(fromStart(UNREAD), ROWS, { first: 35, last: 39 }, view, UNREAD)).toBeNull();
});
