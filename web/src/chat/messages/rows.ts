/** The rows in which a timeline is shown. All functions are pure. */

import type { Message, Notice, Offer } from "@talkwire/client";
import type { Timeline } from "@talkwire/client/parts";

/** What is among the messages without being one. */
export type Extra = Offer | Notice;

/** A row of the list. Replies in threads have none: their root says how many there are. */
export interface Row {
  readonly message: Message;
  /** Whether it is the first of its day. */
  readonly startsDay: boolean;
  /** Whether it is the first unread one. */
  readonly startsUnread: boolean;
  /** Whether the message before it has the same sender. */
  readonly continued: boolean;
  /** Offers and notices from before the first row, and from after this one. */
  readonly extrasBefore?: readonly Extra[];
  readonly extrasAfter?: readonly Extra[];
}

const GROUPING_MS = 5 * 60_000;

/**
 * Returns the rows of a timeline. `unreadAfter`: the `seq` up to which everything was read when the conversation was
 * opened; null when all was. The first unread message is unknown when that `seq` is not loaded.
 */
export function rowsOf({ messages, atStart }: Timeline, unreadAfter: number | null, myId: string): Row[] {
  const isKnown = unreadAfter !== null && (atStart || (messages[0]?.seq ?? 0) <= unreadAfter + 1);
  const shown = messages.filter(({ threadId }) => threadId === undefined);
  const firstUnread = isKnown
    ? shown.find((message) => message.seq > unreadAfter && message.senderId !== myId)
    : undefined;
  return shown.map((message, index) => {
    const before = shown[index - 1];
    const startsDay = before === undefined || timeOf(before).day !== timeOf(message).day;
    const startsUnread = message === firstUnread;
    const isNext = before !== undefined && !startsDay && !startsUnread;
    return { message, startsDay, startsUnread, continued: isNext && continuesBefore(message, before) };
  });
}

interface MessageTime {
  readonly ms: number;
  readonly day: string;
}

const times = new WeakMap<Message, MessageTime>();

/** Every message rebuilds the rows, and parsing a time is slow. */
function timeOf(message: Message): MessageTime {
  const known = times.get(message);
  if (known !== undefined) return known;
  const date = new Date(message.createdAt);
  const when = { ms: date.getTime(), day: date.toDateString() };
  times.set(message, when);
  return when;
}

function continuesBefore(message: Message, before: Message): boolean {
  return (
    message.senderId === before.senderId &&
    message.type !== "system" &&
    before.type !== "system" &&
    message.replyTo === undefined &&
    message.forwardedFrom === undefined &&
    timeOf(message).ms - timeOf(before).ms < GROUPING_MS
  );
}
