import { useEffect, useState } from "react";
import { texts } from "../../texts";
import { clockTime } from "../../time_format";

/** How long the call has lasted. Screen readers do not announce each second. */
export function Duration({ since }: { since: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="duration" role="timer" aria-live="off" aria-label={texts.calls.duration}>
      {clockTime(Math.max(0, now - since))}
    </span>
  );
}
