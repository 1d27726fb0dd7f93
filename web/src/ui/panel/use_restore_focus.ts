import { useEffect, useLayoutEffect, useRef } from "react";
import type { Panel } from "../../chat/page_core";
import { focusMessages } from "../keyboard/focus";

/** Returns the focus after a panel is closed: to where it was, or to the messages. */
export function useRestoreFocus(panel: Panel | null): void {
  const opener = useRef<HTMLElement | null>(null);
  const isOpen = panel !== null;
  // Before the browser removes the focus from a button that the panel hides.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs whenever another panel opens
  useLayoutEffect(() => {
    const { activeElement } = document;
    const isNonMember = activeElement !== document.body && activeElement?.closest(".panel") === null;
    if (isNonMember) opener.current = activeElement as HTMLElement;
  }, [panel]);
  useEffect(() => {
    if (!isOpen) return;
    // After the panel is gone and what it covered is visible again.
    return () => {
      const isElsewhere = document.activeElement !== document.body;
      const before = opener.current;
      opener.current = null;
      if (isElsewhere) return;
      before?.focus({ preventScroll: true });
      if (document.activeElement === document.body) focusMessages();
    };
  }, [isOpen]);
}
