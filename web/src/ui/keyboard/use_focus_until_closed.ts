import { useEffect } from "react";

/**
 * Moves the focus with `take` when the component appears, and returns it afterwards unless it has moved on by then. If what
 * had the focus is gone, the message around it receives the focus.
 */
export function useFocusUntilClosed(take: () => void): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs once, when the component appears
  useEffect(() => {
    const before = document.activeElement;
    const around = before?.closest<HTMLElement>("[data-id]");
    take();
    return () => {
      // For a closed dialog, the browser has returned the focus already, and the reader may have opened a menu since.
      const hasMovedOn = document.activeElement !== document.body;
      if (hasMovedOn || !(before instanceof HTMLElement)) return;
      if (before.isConnected) before.focus();
      else around?.focus({ preventScroll: true });
    };
  }, []);
}
