import { useSyncExternalStore } from "react";

/** Returns whether a media query matches, and follows its changes. */
export function useMedia(media: MediaQueryList): boolean {
  return useSyncExternalStore(
    (changed) => {
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    () => media.matches,
  );
}
