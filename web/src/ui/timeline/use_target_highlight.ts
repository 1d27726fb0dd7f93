import { type RefObject, useEffect, useState } from "react";
import type { Row } from "../../chat/messages/rows";
import { useChat, useChatState } from "../page/chat_context";
import { whenFocused } from "./when_focused";

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
