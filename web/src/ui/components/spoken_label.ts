import { texts } from "../../texts";
import { timeOfDay } from "../../time_format";

/** Returns what screen readers call a message or an offer. `at`: when it was written, in ISO 8601. */
export function spokenLabel(author: string, at: string, summary: string): string {
  return texts.labelled([author, timeOfDay(at)].filter(Boolean).join(", "), summary);
}
