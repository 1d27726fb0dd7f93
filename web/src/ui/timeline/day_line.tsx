import { dayOf } from "../../time_format";
import "./day_line.css";

/** The day on which the messages below were written. `Level`: of the heading. */
export function DayLine({ at, level: Level = "h2" }: { at: string; level?: "h2" | "h3" }) {
  return (
    <Level className="day">
      <span>{dayOf(at)}</span>
    </Level>
  );
}
