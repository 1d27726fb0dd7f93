import { type RefObject, useEffect, useRef } from "react";

/** The reader is at the end within this many pixels. */
const AT_END = 2;
/** A list in which a message begins to grow follows it where the end is as near as this. */
const NEAR_END = 80;

/**
 * Keeps the end of a list in sight while a message in it grows, until the reader scrolls up, however little. `grows`:
 * whether one grows; `isHeld`: whether the list stays where it is meanwhile.
 */
export function useGrowth(list: RefObject<HTMLElement | null>, grows: boolean, isHeld: boolean): void {
  const holds = useRef(isHeld);
  holds.current = isHeld;
  // What comes with its end is to be in sight as well.
  const hasGrown = useRef(false);
  hasGrown.current ||= grows;
  const isObserved = hasGrown.current;
  useEffect(() => {
    const element = list.current;
    const scroller = element?.parentElement;
    if (!isObserved || element == null || scroller == null) return;
    const left = (): number => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    let follows = left() < NEAR_END;
    let last = scroller.scrollTop;
    const scrolled = (): void => {
      follows = left() < AT_END || (follows && scroller.scrollTop >= last);
      last = scroller.scrollTop;
    };
    const observer = new ResizeObserver(() => {
      if (follows && !holds.current) scroller.scrollTop = scroller.scrollHeight;
    });
    observer.observe(element);
    scroller.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener("scroll", scrolled);
    };
  }, [list, isObserved]);
}
