import { type MouseEvent, type PointerEvent, type TouchEvent, useEffect, useRef } from "react";

const PRESS_MS = 450;
/** A finger that moves further scrolls. */
const SLACK_PX = 10;

interface LongPress {
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: () => void;
  readonly onPointerCancel: () => void;
  readonly onContextMenu: (event: MouseEvent) => void;
  readonly onTouchEnd: (event: TouchEvent) => void;
}

/** Returns the handlers of an element that calls `pressed` when a finger stays on it. */
export function useLongPress(pressed: () => void): LongPress {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const start = useRef<{ x: number; y: number } | null>(null);
  /** Whether the last finger has pressed. */
  const isOver = useRef(false);
  const stop = (): void => {
    clearTimeout(timer.current);
    start.current = null;
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    onPointerDown: ({ pointerType, isPrimary, clientX, clientY, currentTarget, target }) => {
      stop();
      isOver.current = false;
      // A menu that the element has opened is elsewhere in the document.
      if (!currentTarget.contains(target as Node)) return;
      if (pointerType !== "touch" || !isPrimary) return;
      start.current = { x: clientX, y: clientY };
      timer.current = setTimeout(() => {
        isOver.current = true;
        pressed();
      }, PRESS_MS);
    },
    onPointerMove: ({ clientX, clientY }) => {
      const from = start.current;
      if (from !== null && Math.hypot(clientX - from.x, clientY - from.y) > SLACK_PX) stop();
    },
    onPointerUp: stop,
    onPointerCancel: stop,
    // The browser's own menu of a link or a picture would cover the sheet.
    onContextMenu: (event) => {
      if (start.current !== null || isOver.current) event.preventDefault();
    },
    // The finger may be lifted above a link, and a click would close the menu that it has opened.
    onTouchEnd: (event) => {
      if (isOver.current) event.preventDefault();
    },
  };
}
