import { type RefObject, useEffect, useState } from "react";
import { dayOf } from "../../time_format";
import "./day_in_sight.css";

const RESTING_MS = 1_500;

interface Props {
  /** When the topmost message was sent. */
  at: string;
  scroller: RefObject<HTMLElement | null>;
}

/** The day of the topmost message. It covers a line, so it is there only while the list scrolls. */
export function DayInSight({ at, scroller }: Props) {
  const [isResting, setResting] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (): void => {
      setResting(false);
      clearTimeout(timer);
      timer = setTimeout(() => setResting(true), RESTING_MS);
    };
    show();
    const element = scroller.current;
    element?.addEventListener("scroll", show, { passive: true });
    return () => {
      clearTimeout(timer);
      element?.removeEventListener("scroll", show);
    };
  }, [scroller]);
  return (
    <div className={`day-in-sight${isResting ? " resting" : ""}`} aria-hidden="true">
      {dayOf(at)}
    </div>
  );
}
