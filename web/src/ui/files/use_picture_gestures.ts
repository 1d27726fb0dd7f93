import { type PointerEvent, useRef } from "react";
import { toStartOfLine } from "../components/use_swipe";

/** How far a finger has to move. */
const REACH_PX = 56;
/** A finger that moves less taps. */
const SLACK_PX = 10;
/** Two taps within this time and distance are a double tap. */
const DOUBLE_MS = 300;
const DOUBLE_PX = 40;

/** A place in the window. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

interface Actions {
  /** Whether a finger scrolls the picture, and so swipes nothing. */
  readonly isScrolling: boolean;
  readonly onStep: (by: 1 | -1) => void;
  readonly onClose: () => void;
  readonly onDoubleTap: (at: Spot) => void;
}

interface Gestures {
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerCancel: (event: PointerEvent<HTMLElement>) => void;
}

/**
 * Returns the handlers of an element with a picture: a finger that moves it sideways goes to the next or previous one,
 * and downwards closes it. The property `--drag` of the element has how far the picture has moved.
 */
export function usePictureGestures({ isScrolling, onStep, onClose, onDoubleTap }: Actions): Gestures {
  const start = useRef<Spot | null>(null);
  const tapped = useRef<(Spot & { readonly atMs: number }) | null>(null);
  const stop = ({ currentTarget }: PointerEvent<HTMLElement>): void => {
    start.current = null;
    currentTarget.style.removeProperty("--drag");
  };
  return {
    onPointerDown: (event) => {
      stop(event);
      const { pointerType, isPrimary, clientX: x, clientY: y } = event;
      if (pointerType === "touch" && isPrimary) start.current = { x, y };
    },
    onPointerMove: (event) => {
      const { across, down } = movedBy(event, start.current);
      if (isScrolling || isPageZoomed() || Math.hypot(across, down) < SLACK_PX) return;
      const isSideways = Math.abs(across) > Math.abs(down);
      event.currentTarget.style.setProperty("--drag", isSideways ? `${across}px 0` : `0 ${Math.max(0, down)}px`);
    },
    onPointerUp: (event) => {
      const from = start.current;
      const { across, down } = movedBy(event, from);
      stop(event);
      if (from === null) return;
      if (Math.hypot(across, down) < SLACK_PX) {
        const before = tapped.current;
        tapped.current = { ...from, atMs: event.timeStamp };
        if (before === null || event.timeStamp - before.atMs > DOUBLE_MS) return;
        if (Math.hypot(from.x - before.x, from.y - before.y) > DOUBLE_PX) return;
        tapped.current = null;
        onDoubleTap(from);
      } else if (!isScrolling && !isPageZoomed()) {
        if (Math.abs(across) >= REACH_PX && Math.abs(across) > Math.abs(down))
          onStep(across * toStartOfLine() > 0 ? 1 : -1);
        else if (down >= REACH_PX && down > Math.abs(across)) onClose();
      }
    },
    onPointerCancel: stop,
  };
}

function movedBy(event: PointerEvent, from: Spot | null): { across: number; down: number } {
  return from === null ? { across: 0, down: 0 } : { across: event.clientX - from.x, down: event.clientY - from.y };
}

/** Whether two fingers have enlarged the page, in which one finger looks around. */
const isPageZoomed = (): boolean => (visualViewport?.scale ?? 1) > 1;
