import { type RefObject, useEffect, useState } from "react";
import { hasMessage, type Row } from "../../chat/messages/timeline";
import { useChat, useChatState } from "../chat_context";

const LASTS_MS = 2_000;

const FRAMES_MAX = 30;

/**
 * Focuses a message. A row is hidden, and cannot be focused, until the list has measured it. Returns a function that
 * gives up.
 */
function whenFocused(message: HTMLElement | null | undefined, done: () => void): () => void {
  let frame = 0;
  const focus = (left: number): void => {
    message?.focus({ preventScroll: true });
    if (document.activeElement === message || left === 0) done();
    else frame = requestAnimationFrame(() => focus(left - 1));
  };
  focus(FRAMES_MAX);
  return () => cancelAnimationFrame(frame);
}

/** Returns whether the reader has just gone to a message in this row, and focuses it. */
export function useTargetHighlight(row: Row, element: RefObject<HTMLElement | null>): boolean {
  const { messages } = useChat();
  const target = useChatState(({ target }) =>
    target?.messageId != null && hasMessage(row, target.messageId) ? target : null,
  );
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (target === null) return;
    return whenFocused(element.current?.querySelector<HTMLElement>("[data-id]"), () => {
      setShown(true);
      messages.targetReached(target);
    });
  }, [messages, element, target]);
  useEffect(() => {
    if (!isShown) return;
    const timer = setTimeout(() => setShown(false), LASTS_MS);
    return () => clearTimeout(timer);
  }, [isShown]);
  return isShown;
}
