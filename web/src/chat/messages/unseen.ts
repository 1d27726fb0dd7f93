/** Which unread messages of the open conversation were on the screen. All functions are pure. */

import type { Message } from "@talkwire/client";
import type { UnreadMessages } from "../page_core";
import type { Row } from "./rows";

/** How far the reader has come: everything up to a `seq` was on the screen, with so many unread messages. */
export interface Progress {
  readonly upTo: number;
  readonly seen: number;
}

/** The rows on the screen: their indexes. */
export interface InSight {
  readonly first: number;
  readonly last: number;
}

/** Unread messages above the screen. */
export interface UnseenAbove {
  readonly count: number;
  /** When the first of them was sent; undefined if it is not loaded. */
  readonly since?: string;
}

export const fromStart = ({ after }: UnreadMessages): Progress => ({ upTo: after, seen: 0 });

/** Returns the progress with the rows on the screen, unless unread messages above them were never there. */
export function advanced(progress: Progress, rows: readonly Row[], sight: InSight, view: View): Progress {
  if (firstUnseen(progress, rows, sight.first, view) !== null) return progress;
  const upTo = rows[sight.last]?.message.seq ?? 0;
  if (upTo <= progress.upTo) return progress;
  const shown = rows
    .slice(0, sight.last + 1)
    .filter(({ message }) => message.seq > progress.upTo && isUnread(message, view));
  return { upTo, seen: progress.seen + shown.length };
}

/** Returns the unread messages above the screen that were never on it; null: none. */
export function unseenAbove(
  progress: Progress,
  rows: readonly Row[],
  { first }: InSight,
  view: View,
  { count }: UnreadMessages,
): UnseenAbove | null {
  const unseen = firstUnseen(progress, rows, first, view);
  if (unseen === null) return null;
  const left = Math.max(1, count - progress.seen);
  return unseen === "not loaded" ? { count: left } : { count: left, since: unseen.createdAt };
}

/** Who reads, and whether the conversation's first message is loaded. */
export interface View {
  readonly myId: string;
  readonly atStart: boolean;
}

function firstUnseen(
  { upTo }: Progress,
  rows: readonly Row[],
  first: number,
  view: View,
): Message | "not loaded" | null {
  const top = rows[0]?.message;
  if (top !== undefined && !view.atStart && top.seq > upTo + 1) return "not loaded";
  for (const { message } of rows.slice(0, first)) if (message.seq > upTo && isUnread(message, view)) return message;
  return null;
}

const isUnread = ({ senderId, deletedAt }: Message, { myId }: View): boolean =>
  senderId !== myId && deletedAt === undefined;
