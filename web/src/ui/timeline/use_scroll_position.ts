import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Target } from "../../chat/core";
import type { ScrollAnchor } from "../../chat/messages/messages";
import { hasMessage, KEPT_MAX, keyOf, type Row, type Timeline } from "../../chat/messages/timeline";
import { useChat, useChatState } from "../chat_context";

/** Pixels from an end of the list at which the next page is loaded, or within which the reader is at the end. */
const NEAR = 600;
const NEAR_END = 120;
/** As much of the newest message may be out of sight where it is seen: its margin. */
const SEEN_LAST = 16;
const SETTLED_MS = 150;

export interface LoadedRange {
  /** Another number where what is here does not go on from what was. */
  readonly number: number;
  /** Or became shorter there. */
  readonly grewAtStart: boolean;
}

/** Tells pages that were added, or let go of, from those that took the place of all others. */
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
  /** Whether the end of the conversation is in sight; null: nobody knows yet. Whoever is there follows what comes. */
  readonly atEnd: boolean | null;
  /** Whether all of the newest message is in sight. */
  readonly seesLast: boolean;
  readonly onScroll: () => void;
  readonly onResize: () => void;
}

const UNKNOWN = { atEnd: null, seesLast: false };

/**
 * Where in its messages a conversation is: where the reader left it, else where the unread begins, then where the reader
 * goes. The end of what is loaded is no end: only that of the conversation is followed.
 */
export function useScrollPosition(
  id: string,
  list: RefObject<VirtualizerHandle | null>,
  rows: readonly Row[],
  count: number,
  timeline: Timeline,
): ScrollPosition & { readonly range: LoadedRange } {
  const chat = useChat();
  const target = useChatState((state) => state.target);
  const range = useLoadedRange(timeline);
  const { number, grewAtStart } = range;
  const [{ atEnd, seesLast }, setSeen] = useState<Pick<ScrollPosition, "atEnd" | "seesLast">>(UNKNOWN);
  const placedNumber = useRef(0);
  const readNumber = useRef(0);
  const settling = useRef<ReturnType<typeof setTimeout>>(undefined);
  const hasEnd = timeline.atEnd;

  const setVisible = useCallback((end: boolean, last: boolean) => {
    setSeen((before) => (before.atEnd === end && before.seesLast === last ? before : { atEnd: end, seesLast: last }));
  }, []);
  const readScroll = useCallback(() => {
    const handle = list.current;
    if (handle === null || rows.length === 0) return;
    readNumber.current = number;
    const { scrollOffset, scrollSize, viewportSize } = handle;
    const left = scrollSize - scrollOffset - viewportSize;
    const isAtEnd = hasEnd && left < NEAR_END;
    setVisible(isAtEnd, hasEnd && left < SEEN_LAST);
    const first = handle.findItemIndex(scrollOffset);
    const topmost = rows[first];
    chat.messages.saveScrollAnchor(
      id,
      isAtEnd || topmost === undefined
        ? null
        : { messageId: keyOf(topmost), offset: scrollOffset - handle.getItemOffset(first) },
    );
    if (timeline.messages.length > KEPT_MAX) chat.messages.dropEnd(id, first < rows.length / 2 ? "newest" : "oldest");
    if (scrollOffset < NEAR) void chat.messages.loadOlder(id);
    if (left < NEAR) void chat.messages.loadNewer(id);
  }, [chat, id, list, rows, timeline, number, hasEnd, setVisible]);
  const readScrollNow = useRef(readScroll);
  readScrollNow.current = readScroll;
  // Whoever comes near the end by themselves is not pulled to it; whoever is there when something comes is.
  const follows = useRef(false);
  follows.current = atEnd === true;
  // The list measures rows only when they come into sight, so a jump takes a few steps; only its end counts.
  const settle = useCallback(() => {
    clearTimeout(settling.current);
    settling.current = setTimeout(() => {
      settling.current = undefined;
      readScrollNow.current();
    }, SETTLED_MS);
  }, []);
  useEffect(() => () => clearTimeout(settling.current), []);

  useLayoutEffect(() => {
    if (count === 0) return;
    const isPlaced = placedNumber.current === number;
    if (target?.messageId === null) {
      list.current?.scrollToIndex(count - 1, { align: "end" });
      chat.messages.targetReached(target);
    } else {
      const place =
        target !== null ? placeOf(rows, target) : isPlaced ? null : startOf(rows, chat.messages.scrollAnchor(id));
      // The page with the message comes.
      if (target !== null && place === null) return;
      if (place !== null) {
        setVisible(false, false);
        const { index, ...how } = place;
        list.current?.scrollToIndex(index, how);
        settle();
      } else if (!isPlaced || (follows.current && !grewAtStart)) {
        list.current?.scrollToIndex(count - 1, { align: "end" });
      }
    }
    placedNumber.current = number;
  }, [chat, id, list, rows, count, number, target, grewAtStart, settle, setVisible]);

  // A page came behind, and nobody may scroll any more: is its end near, too?
  useEffect(() => {
    if (!hasEnd && !grewAtStart && readNumber.current === number && settling.current === undefined) readScroll();
  }, [hasEnd, grewAtStart, number, readScroll]);

  // A page of a thread's replies may add no row, so nothing is scrolled: is the start still near?
  const countBefore = useRef(count);
  useEffect(() => {
    const isSame = countBefore.current === count;
    countBefore.current = count;
    if (!grewAtStart || !isSame) return;
    const timer = setTimeout(() => {
      if (settling.current === undefined) readScroll();
    });
    return () => clearTimeout(timer);
  }, [grewAtStart, count, readScroll]);

  const onScroll = useCallback(() => {
    if (settling.current === undefined) readScroll();
    else settle();
  }, [readScroll, settle]);
  // What has another size now pushes nobody away from the end, and a short list is never scrolled.
  const onResize = useCallback(() => {
    const handle = list.current;
    if (handle === null || count === 0) return;
    if (settling.current !== undefined) return settle();
    if (atEnd) handle.scrollToIndex(count - 1, { align: "end" });
    // Where all messages are visible, nothing scrolls, so no scroll event triggers a reading.
    if (handle.scrollSize - handle.scrollOffset - handle.viewportSize < 1) readScroll();
  }, [list, count, atEnd, settle, readScroll]);
  return { atEnd, seesLast, onScroll, onResize, range };
}

interface PlaceInList {
  readonly index: number;
  readonly align: "start" | "center";
  readonly offset?: number;
}

/** Where the reader left the conversation, else where the unread begins; null: at the end. */
function startOf(rows: readonly Row[], left: ScrollAnchor | null): PlaceInList | null {
  const before = left === null ? -1 : rows.findIndex((row) => hasMessage(row, left.messageId));
  if (left !== null && before !== -1) return { index: before, align: "start", offset: left.offset };
  const index = rows.findIndex((row) => row.startsUnread);
  return index === -1 ? null : { index, align: "start" };
}

function placeOf(rows: readonly Row[], { messageId }: Target): PlaceInList | null {
  const index = messageId === null ? -1 : rows.findIndex((row) => hasMessage(row, messageId));
  return index === -1 ? null : { index, align: "center" };
}
