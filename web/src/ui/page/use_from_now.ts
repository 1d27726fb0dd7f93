import { useSyncExternalStore } from "react";
import { fromNow } from "../../time_format";

const MINUTE_MS = 60_000;

/** Returns how long ago a time was, and renders the component again as time passes. */
export function useFromNow(iso: string): string {
  useSyncExternalStore(eachMinute, () => Math.floor(Date.now() / MINUTE_MS));
  return fromNow(iso);
}

function eachMinute(changed: () => void): () => void {
  const timer = setInterval(changed, MINUTE_MS);
  return () => clearInterval(timer);
}
