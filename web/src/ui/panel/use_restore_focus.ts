import { useEffect, useLayoutEffect, useRef } from "react";
import type { Panel } from "../../chat/core";
import { focusMessages } from "../keyboard/focus";

/** Whoever closes a panel is where they came from, or at the messages where that is gone. */
export function useRestoreFocus(panel: Panel | null): void {
  const opener = useRef<HTMLElement | null>(null);
  const isOpen = panel !== null;
  // Before the browser takes the focus from a button that the panel hides.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each time another one opens
  useLayoutEffect(() => {
    const { activeElement } = document;
    const isNonMember = activeElement !== document.body && activeElement?.closest(".panel") === null;
    if (isNonMember) opener.current = activeElement as HTMLElement;
  }, [panel]);
  useEffect(() => {
    if (!isOpen) return;
    // When the panel is gone, and what it hid is there again.
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
