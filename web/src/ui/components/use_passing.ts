import { type HTMLAttributes, useEffect, useState } from "react";

/** Long enough to read what was done, and to decide what to do. */
export const LONG_MS = 10_000;

type Handlers = Pick<HTMLAttributes<HTMLElement>, "onPointerEnter" | "onPointerLeave" | "onFocus" | "onBlur">;

/**
 * Ends what is shown after a time, unless the reader is at it: its element has these handlers. `ms`: null where it does
 * not end by itself. `end` is the same function each time.
 */
export function usePassing(shown: unknown, ms: number | null, end: () => void): Handlers {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    // Nothing says that the pointer is elsewhere once the element is gone.
    if (!shown) return setHeld(false);
    if (ms === null || isHeld) return;
    const timer = setTimeout(end, ms);
    return () => clearTimeout(timer);
  }, [shown, ms, isHeld, end]);
  const hold = (): void => setHeld(true);
  const release = (): void => setHeld(false);
  return { onPointerEnter: hold, onFocus: hold, onPointerLeave: release, onBlur: release };
}
