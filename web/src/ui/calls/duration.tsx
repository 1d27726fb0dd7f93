import { useEffect, useState } from "react";
import { texts } from "../../texts";

/** How long the call has lasted. Screen readers do not announce each second. */
export function Duration({ since }: { since: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="duration" role="timer" aria-live="off" aria-label={texts.calls.duration}>
      {clockOf(Math.max(0, now - since))}
    </span>
  );
}

/** `0:07`, `12:34`, `1:02:03`. */
function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  if (hours > 0) parts.unshift(hours);
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
