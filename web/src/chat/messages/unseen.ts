/** Which unread messages of the open conversation were on the screen. All functions are pure. */

import type { Message } from "@talkwire/client";
import type { UnreadMessages } from "../page_core";
import type { Row } from "./rows";

/** How far the reader has come: everything up to a `seq` was on the screen, with so many unread messages. */
export interface Progress {
  readonly upTo: number;
  readonly seen: number;
  /** Whether unread messages above the screen were never on it. Then nothing below them counts as seen. */
  readonly skips: boolean;
}

/** The rows on the screen: the `seq` of the first and the last one, and how many there are. */
export interface InSight {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Whether the list was moved there, and not scrolled by the reader. */
  readonly jumped: boolean;
}

/** Unread messages above the screen: the `seq` after which they come, and how many there are. */
export interface UnseenAbove {
  readonly after: number;
  readonly count: number;
  /** When the first of them was sent; undefined if it is not loaded. */
  readonly since?: string;
}

export const fromStart = ({ after }: UnreadMessages): Progress => ({ upTo: after, seen: 0, skips: false });

/**
 * Returns the progress with the rows on the screen. A reader who scrolls, however fast, sees what they pass by. A jump
 * over unread messages skips them, and so does what arrives while nobody looks, until the first of them is on the screen.
 */
export function advanced(progress: Progress, rows: readonly Row[], sight: InSight, view: View): Progress {
  const { first, last: upTo } = sight;
  const isAbove = firstUnseen(progress, rows, first, view) !== null;
  if (isAbove && (progress.skips || sight.jumped || !view.hasFocus)) return { ...progress, skips: true };
  if (!view.hasFocus) return progress;
  if (upTo <= progress.upTo) return { ...progress, skips: false };
  const shown = rows.filter(({ message }) => isBetween(message, progress.upTo, upTo) && isUnread(message, view));
  return { upTo, seen: progress.seen + shown.length, skips: false };
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
  const above = { after: progress.upTo, count: left };
  return unseen === "not loaded" ? above : { ...above, since: unseen.createdAt };
}

/** Who reads, whether the conversation's first message is loaded, and whether the reader looks at the window. */
export interface View {
  readonly myId: string;
  readonly atStart: boolean;
  readonly hasFocus: boolean;
}

function firstUnseen(
  { upTo }: Progress,
  rows: readonly Row[],
  first: number,
  view: View,
): Message | "not loaded" | null {
  const top = rows[0]?.message;
  if (top !== undefined && !view.atStart && top.seq > upTo + 1) return "not loaded";
  const unseen = rows.find(({ message }) => isBetween(message, upTo, first - 1) && isUnread(message, view));
  return unseen?.message ?? null;
}

const isBetween = ({ seq }: Message, after: number, upTo: number): boolean => seq > after && seq <= upTo;

const isUnread = ({ senderId, deletedAt }: Message, { myId }: View): boolean =>
  senderId !== myId && deletedAt === undefined;
