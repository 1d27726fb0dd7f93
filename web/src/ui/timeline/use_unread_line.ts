import { type RefObject, useCallback, useEffect, useMemo, useRef } from "react";
import type { VirtualizerHandle } from "virtua";

/** What a reader does who has begun to look elsewhere. */
const MOVES = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

export interface ListRefs {
  readonly list: RefObject<VirtualizerHandle | null>;
  readonly scroller: RefObject<HTMLDivElement | null>;
}

interface UnreadLine {
  /** Begins to bring the line to the top of the screen, unless it is within so large a part of its height from there. */
  readonly aim: (tolerated: number) => void;
  /** Scrolls to where the line is now, until the reader scrolls: rows get their heights one after the other. */
  readonly follow: () => void;
  readonly end: () => void;
}

/**
 * The line above what is unread, where it is within a row and maybe far below its start: above unread offers, which are in
 * the row of the message before them, and below the beginning of a conversation.
 */
export function useUnreadLine({ list, scroller }: ListRefs): UnreadLine {
  const stop = useRef<(() => void) | null>(null);
  const tolerated = useRef(0);
  const end = useCallback(() => {
    stop.current?.();
    stop.current = null;
  }, []);
  const aim = useCallback(
    (part: number) => {
      end();
      tolerated.current = part;
      const moved = new AbortController();
      for (const move of MOVES) scroller.current?.addEventListener(move, end, { passive: true, signal: moved.signal });
      stop.current = () => moved.abort();
    },
    [scroller, end],
  );
  const scroll = useCallback(() => {
    const line = scroller.current?.querySelector(".unread-from");
    if (stop.current === null || scroller.current === null || !line) return;
    const below = line.getBoundingClientRect().top - scroller.current.getBoundingClientRect().top;
    const isInPlace = below > -1 && below < Math.max(1, tolerated.current * scroller.current.clientHeight);
    if (!isInPlace) list.current?.scrollBy(below);
  }, [list, scroller]);
  // The list takes its new height from the rows a moment later.
  const follow = useCallback(() => void requestAnimationFrame(scroll), [scroll]);
  useEffect(() => end, [end]);
  return useMemo(() => ({ aim, follow, end }), [aim, follow, end]);
}
