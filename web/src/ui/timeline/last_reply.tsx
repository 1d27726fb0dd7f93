import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { useFromNow } from "../page/use_from_now";

/** How long ago the last reply of a thread was written. */
export function LastReply({ at }: { at: string }) {
  const ago = useFromNow(at);
  return (
    <time dateTime={at} title={fullTime(at)}>
      {texts.threads.lastReply(ago)}
    </time>
  );
}
