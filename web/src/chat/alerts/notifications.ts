/** Notifications, newest first. All functions are pure. Ids have equally many digits, so they can be compared. */

import type { ChatNotification, Weekday } from "@talkwire/client";

export type Notifications = readonly ChatNotification[];

/** Merges two lists without duplicates. A notification that is read in either list is read. */
export function merged(one: Notifications, other: Notifications): Notifications {
  const byId = new Map(one.map((each) => [each.id, each]));
  for (const each of other) byId.set(each.id, { ...byId.get(each.id), ...each });
  return [...byId.values()].sort((a, b) => Number(b.id) - Number(a.id));
}

/** Marks the notifications that match as read. Returns the same list when none matches. */
export function withRead(
  all: Notifications,
  matches: (each: ChatNotification) => boolean,
  readAt: string,
): Notifications {
  if (!all.some((each) => each.readAt === undefined && matches(each))) return all;
  return all.map((each) => (each.readAt === undefined && matches(each) ? { ...each, readAt } : each));
}

/** Returns whether the server stores a notification for connected readers too. */
export function isStored(notification: ChatNotification): boolean {
  return notification.quiet === true || isListed(notification);
}

/**
 * Returns whether the bell lists a notification. It leaves out plain messages, which the server stores only for readers
 * who are away: the unread counts of the conversations cover them all.
 */
export function isListed({ type }: ChatNotification): boolean {
  return type !== "direct" && type !== "message";
}

/** Returns whether reading a thread marks a notification as read, rather than reading the conversation. */
export function isReadWithThread(notification: ChatNotification): boolean {
  return notification.threadId !== undefined && isStored(notification);
}

/** Returns whether reading its conversation marks a message's notification as read. A decision waits until it is made. */
export function isReadBySight(notification: ChatNotification): boolean {
  return notification.type !== "decision" && !isReadWithThread(notification);
}

export function unreadOf(all: Notifications): number {
  return all.filter(({ readAt }) => readAt === undefined).length;
}

const DAYS: readonly Weekday[] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

interface Quiet {
  readonly enabled: boolean;
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly days: readonly Weekday[];
}

/** Returns whether a time is within the user's quiet hours. The server has the same rule. */
export function isQuiet({ enabled, from, to, timeZone, days }: Quiet, now: Date): boolean {
  if (!enabled) return false;
  const { time, weekday } = clockAt(now, timeZone);
  const isOn = (day: number): boolean => days.includes(DAYS[(day + 7) % 7] ?? "sun");
  if (from < to) return isOn(weekday) && from <= time && time < to;
  if (time >= from) return isOn(weekday);
  return time < to && isOn(weekday - 1);
}

function clockAt(now: Date, timeZone: string): { time: string; weekday: number } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    weekday: "short",
    hourCycle: "h23",
  }).formatToParts(now);
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
  return {
    time: `${part("hour")}:${part("minute")}`,
    weekday: DAYS.indexOf(part("weekday").toLowerCase().slice(0, 3) as Weekday),
  };
}
