import { type RefObject, useEffect, useState } from "react";
import type { Row } from "../../chat/messages/rows";
import { useChat, useChatState } from "../page/chat_context";

const LASTS_MS = 2_000;

/** Returns whether the reader has just gone to a message in this row, and focuses it. */
export function useTargetHighlight(row: Row, element: RefObject<HTMLElement | null>): boolean {
  const { messages } = useChat();
  const target = useChatState(({ target }) =>
    target?.messageId != null && row.message.id === target.messageId ? target : null,
  );
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (target === null) return;
    return whenFocused(element.current?.querySelector<HTMLElement>(".message[data-id]"), () => {
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

const FRAMES_MAX = 30;

/**
 * Focuses a message, unless the reader writes in a thread, and calls `done` then. A row is hidden, and cannot be focused,
 * until the list has measured it. Returns a function that gives up.
 */
export function whenFocused(message: HTMLElement | null | undefined, done: () => void = () => undefined): () => void {
  let frame = 0;
  const focus = (left: number): void => {
    const isWriting = document.activeElement?.closest(".panel .composer") != null;
    if (!isWriting) message?.focus({ preventScroll: true });
    if (isWriting || document.activeElement === message || left === 0) done();
    else frame = requestAnimationFrame(() => focus(left - 1));
  };
  focus(FRAMES_MAX);
  return () => cancelAnimationFrame(frame);
}
