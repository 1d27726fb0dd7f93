import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Target } from "../../chat/core";
import { KEPT_MAX, type Row, type Timeline } from "../../chat/messages/timeline";
import { useChat, useChatState } from "../context";

/** Pixels from an end of the list at which the next page is loaded, or within which the reader is at the end. */
const NEAR = 600;
const NEAR_END = 120;
const SETTLED_MS = 150;

interface Stretch {
  /** Another number where what is here does not go on from what was. */
  readonly number: number;
  /** Or became shorter there. */
  readonly grewAtStart: boolean;
}

/** Tells pages that were added, or let go of, from those that took the place of all others. */
export function useStretch({ messages }: Timeline): Stretch {
  const ends = [messages[0]?.seq ?? 0, messages.at(-1)?.seq ?? 0] as const;
  const seen = useRef<{ ends: readonly [number, number]; number: number }>({ ends: [0, 0], number: 0 });
  const { ends: before, number } = seen.current;
  const goesOn = before[1] > 0 && ends[0] <= before[1] + 1 && ends[1] >= before[0] - 1;
  const stretch = { number: goesOn ? number : number + 1, grewAtStart: goesOn && before[0] !== ends[0] };
  useLayoutEffect(() => {
    seen.current = { ends, number: stretch.number };
  });
  return stretch;
}

/** However long somebody reads, the page does not grow: what is far from where they are is let go of. */
export function useLettingGo(id: string, list: RefObject<VirtualizerHandle | null>, { messages }: Timeline): void {
  const chat = useChat();
  const count = messages.length;
  useEffect(() => {
    const handle = list.current;
    if (handle === null || count <= KEPT_MAX) return;
    const isInFirstHalf = handle.findItemIndex(handle.scrollOffset) < count / 2;
    chat.messages.letGo(id, isInFirstHalf ? "newest" : "oldest");
  }, [chat, id, list, count]);
}

interface Place {
  /** Whether the newest of what is here is in sight; null: nobody knows yet. */
  readonly atEnd: boolean | null;
  readonly scrolled: () => void;
  readonly resized: () => void;
}

/** Where in its messages a conversation is: at first where the unread begins, then where the reader goes. */
export function usePlace(
  id: string,
  list: RefObject<VirtualizerHandle | null>,
  rows: readonly Row[],
  count: number,
  { number, grewAtStart }: Stretch,
): Place {
  const chat = useChat();
  const target = useChatState((state) => state.target);
  const [atEnd, setAtEnd] = useState<boolean | null>(null);
  const placed = useRef(0);
  const settling = useRef<ReturnType<typeof setTimeout>>(undefined);

  const look = useCallback(() => {
    const handle = list.current;
    if (handle === null) return;
    const { scrollOffset, scrollSize, viewportSize } = handle;
    const left = scrollSize - scrollOffset - viewportSize;
    setAtEnd(left < NEAR_END);
    if (scrollOffset < NEAR) void chat.messages.loadOlder(id);
    if (left < NEAR) void chat.messages.loadNewer(id);
  }, [chat, id, list]);
  // The list measures rows only when they come into sight, so a jump takes a few steps; only its end counts.
  const settle = useCallback(() => {
    clearTimeout(settling.current);
    settling.current = setTimeout(() => {
      settling.current = undefined;
      look();
    }, SETTLED_MS);
  }, [look]);
  useEffect(() => () => clearTimeout(settling.current), []);

  useLayoutEffect(() => {
    if (count === 0) return;
    const isPlaced = placed.current === number;
    if (target?.messageId === null) {
      list.current?.scrollToIndex(count - 1, { align: "end" });
      chat.messages.reached(target);
    } else {
      const place = target === null ? unreadIn(rows, isPlaced) : placeOf(rows, target);
      // The page with the message comes.
      if (target !== null && place === null) return;
      if (place !== null) {
        setAtEnd(false);
        list.current?.scrollToIndex(place.index, { align: place.align });
        settle();
      } else if (!isPlaced || (atEnd && !grewAtStart)) {
        list.current?.scrollToIndex(count - 1, { align: "end" });
      }
    }
    placed.current = number;
  }, [chat, list, rows, count, number, target, atEnd, grewAtStart, settle]);

  const scrolled = useCallback(() => {
    if (settling.current === undefined) look();
    else settle();
  }, [look, settle]);
  // What has another size now pushes nobody away from the end, and a short list is never scrolled.
  const resized = useCallback(() => {
    const handle = list.current;
    if (handle === null || count === 0) return;
    if (settling.current !== undefined) settle();
    else if (atEnd) handle.scrollToIndex(count - 1, { align: "end" });
    else if (handle.scrollSize - handle.scrollOffset - handle.viewportSize < 1) setAtEnd(true);
  }, [list, count, atEnd, settle]);
  return { atEnd, scrolled, resized };
}

interface PlaceInList {
  readonly index: number;
  readonly align: "start" | "center";
}

function unreadIn(rows: readonly Row[], isPlaced: boolean): PlaceInList | null {
  const index = isPlaced ? -1 : rows.findIndex((row) => row.startsUnread);
  return index > 0 ? { index, align: "start" } : null;
}

function placeOf(rows: readonly Row[], { messageId }: Target): PlaceInList | null {
  const index = rows.findIndex(({ message }) => message.id === messageId);
  return index === -1 ? null : { index, align: "center" };
}
