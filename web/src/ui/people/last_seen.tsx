import { texts } from "../../texts";
import { useFromNow } from "../page/use_from_now";

/** How long ago a user was online. */
export function LastSeen({ at }: { at: string }) {
  return texts.people.lastSeen(useFromNow(at));
}
