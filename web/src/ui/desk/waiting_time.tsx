import { Hourglass } from "lucide-react";
import { fullTime } from "../../time_format";
import { useMinute } from "../page/use_from_now";
import { deskTexts } from "./texts";
import { waited } from "./waited";

/** Since when a customer waits, as time passes. Screen readers say it in a sentence. */
export function WaitingTime({ since }: { since: string }) {
  useMinute();
  return (
    <time className="waiting-time" dateTime={since} title={fullTime(since)}>
      <Hourglass className="icon" aria-hidden="true" />
      <span aria-hidden="true">{waited(since, "short")}</span>
      <span className="hidden">{deskTexts.waitingFor(waited(since, "long"))}</span>
    </time>
  );
}
