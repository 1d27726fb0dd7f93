import { type MouseEvent, type PointerEvent, useEffect, useRef } from "react";

const PRESS_MS = 450;
/** A finger that moves further scrolls. */
const SLACK_PX = 10;

interface LongPress {
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: () => void;
  readonly onPointerCancel: () => void;
  readonly onContextMenu: (event: MouseEvent) => void;
  readonly onClickCapture: (event: MouseEvent) => void;
}

/** Returns the handlers of an element that calls `pressed` when a finger stays on it. */
export function useLongPress(pressed: () => void): LongPress {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const start = useRef<{ x: number; y: number } | null>(null);
  /** Whether the finger that has pressed is still down, or its click is still to come. */
  const isOver = useRef(false);
  const stop = (): void => {
    clearTimeout(timer.current);
    start.current = null;
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    onPointerDown: ({ pointerType, isPrimary, clientX, clientY }) => {
      stop();
      isOver.current = false;
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
    // The finger may be lifted above a link.
    onClickCapture: (event) => {
      if (!isOver.current) return;
      isOver.current = false;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}
