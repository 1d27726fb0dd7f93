import { fullTime } from "../../time_format";
import { fromNow } from "../../time_passed";
import { texts } from "../texts";

/** How long ago something was, with the exact time for those who point at it. */
export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return <span className="admin-faint">{texts.never}</span>;
  return (
    <time dateTime={at} title={fullTime(at)}>
      {fromNow(at)}
    </time>
  );
}

/** A time that is to come. */
export function ExactTime({ at }: { at: string }) {
  return <time dateTime={at}>{fullTime(at)}</time>;
}
