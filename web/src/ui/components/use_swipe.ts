import { type PointerEvent, useRef, useState } from "react";

/** How far a finger has to move. */
const REACH_PX = 56;
/** How far the message follows the finger. */
const FOLLOW_PX = 72;
/** A finger that moves less may do something else. */
const SLACK_PX = 10;
/** What moves or is moved sideways by itself. */
const WITH_OWN_SWIPE = "pre, table, audio, video, input, .wave";

interface Swipe {
  /** Whether a finger moves the message. */
  readonly isSwiping: boolean;
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerCancel: (event: PointerEvent<HTMLElement>) => void;
}

/**
 * Returns the handlers of an element that a finger moves to the start of the line, which calls `swiped`. The property
 * `--swipe` of the element has how far it has moved, and `data-swipe` whether that is far enough.
 */
export function useSwipe(isPossible: (element: HTMLElement) => boolean, swiped: () => void): Swipe {
  const start = useRef<{ x: number; y: number } | null>(null);
  const [isSwiping, setSwiping] = useState(false);
  const stop = ({ currentTarget: element }: PointerEvent<HTMLElement>): void => {
    start.current = null;
    setSwiping(false);
    element.style.removeProperty("--swipe");
    delete element.dataset.swipe;
  };
  return {
    isSwiping,
    onPointerDown: ({ pointerType, isPrimary, clientX, clientY, target, currentTarget }) => {
      start.current = null;
      if (pointerType !== "touch" || !isPrimary || !isPossible(currentTarget)) return;
      // A menu that the element has opened is elsewhere in the document.
      if (!currentTarget.contains(target as Node) || (target as Element).closest(WITH_OWN_SWIPE) !== null) return;
      start.current = { x: clientX, y: clientY };
    },
    onPointerMove: ({ clientX, clientY, currentTarget: element }) => {
      const from = start.current;
      if (from === null) return;
      const toStart = (clientX - from.x) * toStartOfLine();
      const across = Math.abs(clientY - from.y);
      if (!isSwiping) {
        if (Math.hypot(toStart, across) < SLACK_PX) return;
        if (toStart < across) {
          start.current = null;
          return;
        }
        setSwiping(true);
      }
      const moved = Math.min(FOLLOW_PX, Math.max(0, toStart));
      element.style.setProperty("--swipe", `${moved * toStartOfLine()}px`);
      element.dataset.swipe = toStart >= REACH_PX ? "far" : "";
    },
    onPointerUp: (event) => {
      const isFar = event.currentTarget.dataset.swipe === "far";
      stop(event);
      if (isFar) swiped();
    },
    onPointerCancel: stop,
  };
}

/** Returns the sign of a move to the start of the line. */
export const toStartOfLine = (): 1 | -1 => (document.documentElement.dir === "rtl" ? 1 : -1);
