import { useSyncExternalStore } from "react";

/** Readers who prefer that nothing moves. */
export const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/** Screens that show one thing at a time (app.css). */
export const narrow = matchMedia("(max-width: 700px)");

/** Screens of which a call would cover most (call_layer.css): narrow ones, and a phone on its side. */
export const little = matchMedia("(max-width: 700px) or (max-height: 480px)");

export const isNarrow = (): boolean => narrow.matches;

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
