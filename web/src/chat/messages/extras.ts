/** What the timeline shows among the messages: offers, and notices of what happened. All functions are pure. */

import type { Notice, Offer } from "@talkwire/client";
import type { Timeline } from "@talkwire/client/parts";
import type { Extra, Row, UnreadReplies, UnsentRow } from "./rows";

export const isOffer = (extra: Extra): extra is Offer => "amount" in extra;
export const isNotice = (extra: Extra): extra is Notice => !isOffer(extra);

/** Returns both in one list, in the order of time. */
export function inOrder(offers: readonly Offer[], notices: readonly Notice[]): readonly Extra[] {
  if (notices.length === 0) return offers;
  return [...offers, ...notices].sort((one, other) => Number(one.id) - Number(other.id));
}

/** Returns whether older extras have to be loaded to place them among the loaded messages. */
export function reachesBack(extras: readonly Extra[], timeline: Timeline): boolean {
  const [firstExtra] = extras;
  const [firstMessage] = timeline.messages;
  if (firstExtra === undefined || timeline.atStart) return true;
  return firstMessage !== undefined && Number(firstMessage.id) < Number(firstExtra.id);
}

/**
 * Attaches extras to the rows of the messages that they follow, or above the first row. They have no rows of their own,
 * so that pages of messages stay pages of rows. Ids of extras and messages grow in the order of time.
 */
export function rowsWithExtras(rows: readonly Row[], extras: readonly Extra[], timeline: Timeline): Row[] {
  if (extras.length === 0 || rows.length === 0) return [...rows];
  let next = 0;
  const until = (limit: number): Extra[] => {
    const from = next;
    while (next < extras.length && Number(extras[next]?.id) < limit) next++;
    return extras.slice(from, next);
  };
  const earlier = until(Number(rows[0]?.message.id));
  let follows = false;
  let last: Extra | undefined;
  return rows.map((row, index) => {
    const isLast = index === rows.length - 1;
    const limit = isLast ? Number.POSITIVE_INFINITY : Number(rows[index + 1]?.message.id);
    const after = isLast && !timeline.atEnd ? [] : until(limit);
    const before = index === 0 && timeline.atStart ? earlier : [];
    const continued = row.continued && !follows;
    follows = after.length > 0;
    // An extra before the message has the heading of their day.
    const above = before.at(-1) ?? last;
    const startsDay = row.startsDay && !(above !== undefined && isSameDay(above.createdAt, row.message.createdAt));
    last = after.at(-1);
    if (before.length === 0 && after.length === 0 && continued === row.continued && startsDay === row.startsDay)
      return row;
    return { ...row, continued, startsDay, extrasBefore: before, extrasAfter: after };
  });
}

/** Lets what is unread start at an unread offer that stands between what was read and the first unread message. */
export function withUnreadOffer(rows: readonly Row[], unread: ReadonlySet<string>): readonly Row[] {
  const startsAt = rows.findIndex(({ startsUnread }) => startsUnread);
  const next = startsAt === -1 ? rows.length : startsAt;
  const at = Math.max(next - 1, 0);
  const between = next === 0 ? rows[0]?.extrasBefore : rows[at]?.extrasAfter;
  const offerId = between?.find(({ id }) => unread.has(id))?.id;
  if (offerId === undefined) return rows;
  return rows.map((row, index) => {
    const startsUnread = false;
    if (index === at) return { ...row, startsUnread, unreadOffer: offerId };
    return index === next ? { ...row, startsUnread } : row;
  });
}

/** Attaches what is above the first message that is not sent yet, in a conversation that shows no other messages. */
export function unsentWithExtras(
  unsent: readonly UnsentRow[],
  extras: readonly Extra[],
  startsConversation: boolean,
): readonly UnsentRow[] {
  const [first, ...others] = unsent;
  if (first === undefined) return unsent;
  const last = extras.at(-1);
  if (last === undefined) return [{ ...first, startsConversation }, ...others];
  const isSame = isSameDay(last.createdAt, new Date(first.entry.writtenAt).toISOString());
  return [{ ...first, startsConversation, startsDay: first.startsDay && !isSame, extrasBefore: extras }, ...others];
}

/** Extras that follow a message, and the line of unread replies below them, unless they are the last ones. */
export interface BelowMessage {
  readonly extras: readonly Extra[];
  readonly replies?: UnreadReplies;
  /** What is above the extras. */
  readonly after: { readonly createdAt: string };
}

/** Divides what follows a message: each line of unread replies is where its newest one was sent among the extras. */
export function belowMessage({ message, extrasAfter = [], repliesAfter = [] }: Row): readonly BelowMessage[] {
  const parts: BelowMessage[] = [];
  let from = 0;
  for (const replies of [...repliesAfter, undefined]) {
    const limit = Number(replies?.newest.id ?? Number.POSITIVE_INFINITY);
    const end = extrasAfter.findIndex(({ id }) => Number(id) > limit);
    const extras = extrasAfter.slice(from, end === -1 ? undefined : end);
    const after = extrasAfter[from - 1] ?? message;
    if (replies !== undefined) parts.push({ extras, replies, after });
    else if (extras.length > 0) parts.push({ extras, after });
    from += extras.length;
  }
  return parts;
}

/** Extras of one day. `startsDay`: nothing of this day is above them. */
export interface DayOfExtras {
  readonly startsDay: boolean;
  readonly extras: readonly Extra[];
}

/** Divides extras by their days. `after` is the message above them. */
export function extrasByDay(extras: readonly Extra[], after?: { readonly createdAt: string }): readonly DayOfExtras[] {
  const days: { startsDay: boolean; extras: Extra[] }[] = [];
  let above = after?.createdAt;
  for (const extra of extras) {
    const isSame = above !== undefined && isSameDay(above, extra.createdAt);
    const last = days.at(-1);
    if (isSame && last !== undefined) last.extras.push(extra);
    else days.push({ startsDay: !isSame, extras: [extra] });
    above = extra.createdAt;
  }
  return days;
}

export const isSameDay = (one: string, other: string): boolean =>
  new Date(one).toDateString() === new Date(other).toDateString();
