import { useSyncExternalStore } from "react";
import { fromNow } from "../../time_passed";

const MINUTE_MS = 60_000;

/** Returns how long ago a time was, and renders the component again as time passes. */
export function useFromNow(iso: string): string {
  useMinute();
  return fromNow(iso);
}

/** Renders the component again each minute. */
export function useMinute(): void {
  useSyncExternalStore(eachMinute, () => Math.floor(Date.now() / MINUTE_MS));
}

function eachMinute(changed: () => void): () => void {
  const timer = setInterval(changed, MINUTE_MS);
  return () => clearInterval(timer);
}
