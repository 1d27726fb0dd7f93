import { useEffect, useLayoutEffect, useRef } from "react";
import type { Panel } from "../../chat/page_core";
import { byTouch, focusComposer, focusMessages } from "../keyboard/focus";

/** Returns the focus after a panel is closed: to where it was, otherwise to what belongs to the panel. */
export function useRestoreFocus(panel: Panel | null): void {
  const opener = useRef<HTMLElement | null>(null);
  const last = useRef(panel);
  const isOpen = panel !== null;
  // Before the browser removes the focus from a button that the panel hides.
  useLayoutEffect(() => {
    const { activeElement } = document;
    const isNonMember = activeElement !== document.body && activeElement?.closest(".panel") === null;
    if (panel !== null) last.current = panel;
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
      if (document.activeElement === document.body) focusInstead(last.current);
    };
  }, [isOpen]);
}

/** Focuses the line of a closed thread at its root, or the message field; for other panels, the messages. */
function focusInstead(panel: Panel | null): void {
  if (panel?.kind === "thread") {
    const root = `.conversation [data-id="${CSS.escape(panel.rootId)}"]`;
    document.querySelector<HTMLElement>(`${root} .replies`)?.focus({ preventScroll: true });
    // On a phone, the keyboard would cover the messages.
    if (document.activeElement === document.body && !byTouch) focusComposer();
  }
  if (document.activeElement === document.body) focusMessages();
}
