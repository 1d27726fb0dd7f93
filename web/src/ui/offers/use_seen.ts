import { own } from "@talkwire/client/parts";
import { type RefObject, useEffect } from "react";
import { useStore } from "zustand";
import { isUnreadOffer } from "../../chat/alerts/alerts";
import { useChat, useChatState } from "../page/chat_context";
import { SEEN_AFTER_MS, useWindowFocus } from "../page/use_window_focus";

/** Of an element at a fraction of a pixel, the browser may say that a little less than all is in sight. */
const WHOLE = 0.95;

interface Place {
  readonly conversationId: string;
  /** Who made the offer; undefined if that is not known. */
  readonly authorId?: string | undefined;
}

/**
 * Marks an offer as seen once all of its card, or of the notice about it, stays in sight, in a window that has the focus.
 * `id`: the offer; undefined for what is about none.
 */
export function useSeen(
  element: RefObject<HTMLElement | null>,
  id: string | undefined,
  { conversationId, authorId }: Place,
): void {
  const { alerts } = useChat();
  const hasUnread = useChatState(
    ({ me, conversations }) => authorId !== me.id && Boolean(own(conversations, conversationId)?.unreadOfferCount),
  );
  const isUnread = useStore(alerts.state, ({ items }) => {
    if (id === undefined) return false;
    // It may be counted without a notification, since the reader had muted the conversation.
    const isUnlisted = hasUnread && !items.some((each) => each.id === id);
    return isUnlisted || items.some((each) => isUnreadOffer(each, id));
  });
  const hasFocus = useWindowFocus();
  useEffect(() => {
    if (id === undefined || !isUnread || !hasFocus || element.current === null) return;
    let staying: ReturnType<typeof setTimeout> | undefined;
    const changed = ([entry]: IntersectionObserverEntry[]): void => {
      clearTimeout(staying);
      if (entry?.isIntersecting) staying = setTimeout(() => void alerts.markOfferSeen(id), SEEN_AFTER_MS);
    };
    const observer = new IntersectionObserver(changed, { threshold: WHOLE });
    observer.observe(element.current);
    return () => {
      clearTimeout(staying);
      observer.disconnect();
    };
  }, [alerts, element, id, isUnread, hasFocus]);
}
