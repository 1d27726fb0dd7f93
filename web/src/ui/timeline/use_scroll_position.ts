import { KEPT_MAX, type Timeline } from "@talkwire/client/parts";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import { isSameDay } from "../../chat/messages/extras";
import type { Row } from "../../chat/messages/rows";
import type { ScrollAnchor } from "../../chat/messages/scroll_anchors";
import type { InSight } from "../../chat/messages/unseen";
import type { Target } from "../../chat/page_core";
import { useChat, useChatState } from "../page/chat_context";
import { fitsScreen, useHold } from "./use_hold";
import { type ListRefs, useUnreadLine } from "./use_unread_line";

/** Pixels from an end of the list at which the next page is loaded, and within which the reader is at the end. */
const NEAR = 600;
const NEAR_END = 120;
/** The reader is at the end, and not only near it, within this many pixels. */
const AT_END = 2;
/** The newest message is seen although this many pixels of it are out of sight: its margin. */
const SEEN_LAST = 16;
/** A row is seen although this many pixels of it are below what the list shows: the paddings of the list and of a row. */
const SEEN_ROW = 12;
const SETTLED_MS = 150;
/** Pixels that a day's first row is above the top when the line of the day goes, and below it when the line has come. */
const DAY_CUT = 34;
const DAY_NEAR = 26;
/** The share of the screen that the beginning of a conversation may have above what is unread when it is opened. */
const BEGINNING_SHARE = 0.5;

export interface LoadedRange {
  /** Changes when the loaded messages do not continue the earlier ones. */
  readonly number: number;
  /** Whether messages were added or removed at the start. */
  readonly grewAtStart: boolean;
}

/** Tells added or removed pages from a range that replaces all others. */
function useLoadedRange({ messages }: Timeline): LoadedRange {
  const ends = [messages[0]?.seq ?? 0, messages.at(-1)?.seq ?? 0] as const;
  const seen = useRef<{ ends: readonly [number, number]; number: number }>({ ends: [0, 0], number: 0 });
  const { ends: before, number } = seen.current;
  const isContinued = before[1] > 0 && ends[0] <= before[1] + 1 && ends[1] >= before[0] - 1;
  const range = { number: isContinued ? number : number + 1, grewAtStart: isContinued && before[0] !== ends[0] };
  useLayoutEffect(() => {
    seen.current = { ends, number: range.number };
  });
  return range;
}

interface ScrollPosition {
  /** Whether the end of the conversation is in sight, so that the list follows new messages; null: unknown. */
  readonly atEnd: boolean | null;
  /** Whether all of the newest message is in sight. */
  readonly seesLast: boolean;
  /** The rows in sight; null: unknown. */
  readonly sight: InSight | null;
  /** When the topmost message in sight was sent, if no line above it says on which day; null otherwise. */
  readonly daySince: string | null;
  /** Whether the list stays where it was when the connection was lost. */
  readonly isHeld: boolean;
  readonly onScroll: () => void;
  readonly onResize: () => void;
}

interface Seen extends Pick<ScrollPosition, "atEnd" | "seesLast" | "sight" | "daySince"> {
  /** The number of the range that was on the screen. */
  readonly number: number;
}

const UNKNOWN: Seen = { atEnd: null, seesLast: false, sight: null, daySince: null, number: 0 };
const MOVING: Seen = { ...UNKNOWN, atEnd: false };

/**
 * Controls the scroll position of a conversation: first where the reader left it or where the unread messages start,
 * then where the reader goes. The list follows only the end of the conversation, not the end of what is loaded.
 */
export function useScrollPosition(
  id: string,
  refs: ListRefs,
  rows: readonly Row[],
  count: number,
  timeline: Timeline,
): ScrollPosition & { readonly range: LoadedRange } {
  const chat = useChat();
  const { list, scroller } = refs;
  const unreadLine = useUnreadLine(refs);
  const target = useChatState((state) => state.target);
  const range = useLoadedRange(timeline);
  const { number, grewAtStart } = range;
  const [seen, setSeen] = useState(UNKNOWN);
  // What was seen of an earlier range says nothing of this one.
  const known = seen.number === number && rows.length > 0 ? seen : UNKNOWN;
  const { isHeld, hasMissed, isOver, release } = useHold(rows, known.atEnd);
  const { atEnd, seesLast, sight } = hasMissed ? MOVING : known;
  const placedNumber = useRef(0);
  const readNumber = useRef(0);
  const settling = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** Whether the list was moved, and not scrolled by the reader. It gets there in a few steps. */
  const jumped = useRef(false);
  const jumping = useRef<ReturnType<typeof setTimeout>>(undefined);
  const hasEnd = timeline.atEnd;
  /** Whether the reader has scrolled up, however little: then the list does not follow a message that grows. */
  const strays = useRef(false);
  const lastOffset = useRef(0);
  const grows = useMemo(() => rows.some(({ message }) => message.state === "streaming"), [rows]);

  const setVisible = useCallback((seen: Seen) => setSeen((before) => (isSameSeen(before, seen) ? before : seen)), []);
  const readScroll = useCallback(() => {
    const handle = list.current;
    if (handle === null || rows.length === 0) return;
    readNumber.current = number;
    const { scrollOffset, scrollSize, viewportSize } = handle;
    const left = scrollSize - scrollOffset - viewportSize;
    const isAtEnd = hasEnd && left < NEAR_END;
    strays.current = left >= AT_END && (strays.current || scrollOffset < lastOffset.current);
    lastOffset.current = scrollOffset;
    const first = handle.findItemIndex(scrollOffset);
    const topmost = rows[first];
    const sight = sightOf(handle, rows, jumped.current);
    const daySince = dayOutOfSight(handle, rows, first, scroller.current);
    setVisible({ atEnd: isAtEnd, seesLast: hasEnd && left < SEEN_LAST, sight, daySince, number });
    if (jumped.current) {
      clearTimeout(jumping.current);
      jumping.current = setTimeout(() => {
        jumped.current = false;
      }, SETTLED_MS);
    }
    chat.messages.anchors.set(
      id,
      (isAtEnd && !isHeld) || topmost === undefined
        ? null
        : { messageId: topmost.message.id, offset: scrollOffset - handle.getItemOffset(first) },
    );
    if (timeline.messages.length > KEPT_MAX) chat.messages.dropEnd(id, first < rows.length / 2 ? "newest" : "oldest");
    if (scrollOffset < NEAR) void chat.messages.loadOlder(id);
    if (left < NEAR) void chat.messages.loadNewer(id);
  }, [chat, id, list, scroller, rows, timeline, number, hasEnd, isHeld, setVisible]);
  const readScrollNow = useRef(readScroll);
  readScrollNow.current = readScroll;
  const endHold = (): void => {
    const handle = list.current;
    if (!isOver || handle === null) return;
    // Whether the rest fits the screen is known when it is loaded.
    if (!hasEnd && handle.scrollSize - handle.scrollOffset - handle.viewportSize < NEAR) return;
    const first = release();
    if (first === -1 || !hasEnd || !fitsScreen(handle, first)) return;
    jumped.current = true;
    handle.scrollToIndex(count - 1, { align: "end" });
  };
  const endHoldNow = useRef(endHold);
  endHoldNow.current = endHold;
  // Rows that have come into sight are measured then, and the list has moved where those above it have another height.
  const measuring = useRef<number>(undefined);
  const readSightWhenMeasured = useCallback(() => {
    measuring.current ??= requestAnimationFrame(() => {
      measuring.current = undefined;
      const handle = list.current;
      if (handle === null || settling.current !== undefined) return;
      const sight = sightOf(handle, rows, jumped.current);
      if (sight !== null)
        setSeen((before) => (isSameSeen(before, { ...before, sight }) ? before : { ...before, sight }));
    });
  }, [list, rows]);
  // A reader who scrolls near the end is not pulled to it; one who is at the end follows new messages.
  const follows = useRef(false);
  follows.current = atEnd === true && !(grows && strays.current);
  // The list measures rows only when they come into sight, so a jump takes a few steps; only the last one counts.
  const settle = useCallback(() => {
    clearTimeout(settling.current);
    settling.current = setTimeout(() => {
      settling.current = undefined;
      unreadLine.end();
      endHoldNow.current();
      readScrollNow.current();
    }, SETTLED_MS);
  }, [unreadLine]);
  useEffect(
    () => () => {
      clearTimeout(settling.current);
      clearTimeout(jumping.current);
      if (measuring.current !== undefined) cancelAnimationFrame(measuring.current);
    },
    [],
  );

  useLayoutEffect(() => {
    if (count === 0) return;
    const isPlaced = placedNumber.current === number;
    if (target?.messageId === null) {
      jumped.current = true;
      list.current?.scrollToIndex(count - 1, { align: "end" });
      chat.messages.targetReached(target);
    } else {
      const place =
        target !== null ? placeOf(rows, target) : isPlaced ? null : startOf(rows, chat.messages.anchors.get(id));
      // The page with the message is being loaded.
      if (target !== null && place === null) return;
      if (place !== null) {
        setVisible({ ...MOVING, number });
        // Nothing unread is above the first unread row, however far the reader scrolls before the list has settled.
        const { startsUnread, startsConversation, unreadOffer } = rows[place.index] ?? {};
        jumped.current = !startsUnread && unreadOffer === undefined;
        const { index, ...how } = place;
        list.current?.scrollToIndex(index, how);
        if (unreadOffer !== undefined) unreadLine.aim(0);
        else if (startsUnread && startsConversation) unreadLine.aim(BEGINNING_SHARE);
        settle();
      } else if (!isPlaced || (follows.current && !grewAtStart)) {
        jumped.current ||= !isPlaced;
        list.current?.scrollToIndex(count - 1, { align: "end" });
      }
    }
    placedNumber.current = number;
  }, [chat, id, list, unreadLine, rows, count, number, target, grewAtStart, settle, setVisible]);

  // A page was added at the end, and the reader may not scroll: checks whether its end is near, too.
  useEffect(() => {
    if (!hasEnd && !grewAtStart && readNumber.current === number && settling.current === undefined) readScroll();
  }, [hasEnd, grewAtStart, number, readScroll]);
  // The range has reached the conversation's end, perhaps without a further row, so that nothing scrolls.
  useEffect(() => {
    if (hasEnd && readNumber.current === number && settling.current === undefined) settle();
  }, [hasEnd, number, settle]);

  // Where the list is held is where it is when everything is loaded again.
  useEffect(() => {
    if (isHeld && readNumber.current === number && settling.current === undefined) readScrollNow.current();
  }, [isHeld, number]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs whenever rows are added
  useEffect(() => {
    if (isOver) settle();
  }, [isOver, count, settle]);

  const onScroll = useCallback(() => {
    if (settling.current === undefined) readScroll();
    else settle();
  }, [readScroll, settle]);
  // A resized row does not move the reader away from the end. A list that became short, or a window that became large
  // enough for the end, does not scroll.
  const onResize = useCallback(() => {
    const handle = list.current;
    if (handle === null || count === 0) return;
    if (settling.current !== undefined) {
      unreadLine.follow();
      return settle();
    }
    if (follows.current) handle.scrollToIndex(count - 1, { align: "end" });
    if (handle.scrollSize - handle.scrollOffset - handle.viewportSize < NEAR_END) readScroll();
    readSightWhenMeasured();
  }, [list, unreadLine, count, settle, readScroll, readSightWhenMeasured]);
  return { atEnd, seesLast, sight, daySince: known.daySince, isHeld, onScroll, onResize, range };
}

function isSameSeen(one: Seen, other: Seen): boolean {
  const [{ sight }, { sight: last }] = [one, other];
  return (
    one.atEnd === other.atEnd &&
    one.seesLast === other.seesLast &&
    one.daySince === other.daySince &&
    one.number === other.number &&
    sight?.first === last?.first &&
    sight?.last === last?.last &&
    sight?.jumped === last?.jumped
  );
}

/**
 * Returns when the topmost row's message was sent if the line of its day is above the screen, and no other one is at its
 * top or among what follows the message.
 */
function dayOutOfSight(
  handle: VirtualizerHandle,
  rows: readonly Row[],
  first: number,
  scroller: HTMLElement | null,
): string | null {
  const [topmost, next] = [rows[first], rows[first + 1]];
  const fromTop = (index: number): number => handle.getItemOffset(index) - handle.scrollOffset;
  if (topmost === undefined) return null;
  const cut = DAY_CUT + (topmost.startsConversation ? heightOfBeginning(scroller) : 0);
  if ((topmost.startsDay || first === 0) && fromTop(first) > -cut) return null;
  if (topmost.extrasAfter?.some(({ createdAt }) => !isSameDay(createdAt, topmost.message.createdAt))) return null;
  return next?.startsDay && fromTop(first + 1) < DAY_NEAR ? null : topmost.message.createdAt;
}

/** Returns the height of what is above the first message of the conversation, and above the line of its day. */
function heightOfBeginning(scroller: HTMLElement | null): number {
  return scroller?.querySelector<HTMLElement>(".beginning")?.offsetHeight ?? 0;
}

/**
 * Returns what is on the screen; null: nothing is known of it. A row whose end is below the screen was not seen, nor was
 * one that is not measured yet: the list guesses where those end.
 */
function sightOf(handle: VirtualizerHandle, rows: readonly Row[], jumped: boolean): InSight | null {
  const bottom = handle.scrollOffset + handle.viewportSize;
  const first = handle.findItemIndex(handle.scrollOffset);
  const lowest = Math.min(handle.findItemIndex(bottom), rows.length - 1);
  const isSeen = (index: number): boolean =>
    isMeasured(handle, index) && handle.getItemOffset(index) + handle.getItemSize(index) <= bottom + SEEN_ROW;
  let last = first - 1;
  while (last < lowest && isSeen(last + 1)) last += 1;
  const [topmost, end] = [rows[first], rows[last]];
  if (topmost === undefined || end === undefined) return null;
  return { first: topmost.message.seq, last: end.message.seq, count: lowest - first + 1, jumped };
}

/** The heights that the list has measured are the first part of its cache; the others are -1 there. */
function isMeasured(handle: VirtualizerHandle, index: number): boolean {
  const [heights] = handle.cache as unknown as readonly [readonly number[]];
  return (heights[index] ?? -1) !== -1;
}

interface PlaceInList {
  readonly index: number;
  readonly align: "start" | "center";
  readonly offset?: number;
}

/** Returns where the reader left the conversation, otherwise the first unread row; null: the end. */
function startOf(rows: readonly Row[], left: ScrollAnchor | null): PlaceInList | null {
  const before = left === null ? -1 : rows.findIndex((row) => row.message.id === left.messageId);
  if (left !== null && before !== -1) return { index: before, align: "start", offset: left.offset };
  const index = rows.findIndex((row) => row.startsUnread || row.unreadOffer !== undefined);
  return index === -1 ? null : { index, align: "start" };
}

function placeOf(rows: readonly Row[], { messageId }: Target): PlaceInList | null {
  const index = messageId === null ? -1 : rows.findIndex((row) => row.message.id === messageId);
  return index === -1 ? null : { index, align: "center" };
}
