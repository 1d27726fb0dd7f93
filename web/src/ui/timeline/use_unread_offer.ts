import { own } from "@talkwire/client/parts";
import { useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { useChat, useChatState } from "../chat_context";

/** The messages of a conversation do not wait longer for its offers. */
const AWAITED_MS = 1_000;

interface UnreadOffer {
  /** The id of the first offer that was unread when the conversation was opened; null: none is known. */
  readonly offerId: string | null;
  /** Whether there is one and the offers are being loaded, so that where the reader starts is not known yet. */
  readonly isAwaited: boolean;
}

/** Returns where the unread offers of a conversation start, as long as it is open. */
export function useUnreadOffer(id: string): UnreadOffer {
  const { alerts, offers, state } = useChat();
  const hasOffers = useChatState(({ features }) => features.offers);
  const opened = useMemo(() => {
    const { unreadOfferCount = 0 } = own(state.getState().conversations, id) ?? {};
    return { hadUnread: unreadOfferCount > 0, offerId: null as string | null };
  }, [state, id]);
  const unread = useStore(alerts.state, ({ items }) => firstUnread(items, id));
  if (opened.hadUnread && opened.offerId === null) opened.offerId = unread;
  const isLoaded = useStore(offers.state, ({ byConversation }) => own(byConversation, id) !== undefined);
  const [givenUp, setGivenUp] = useState<string | null>(null);
  const isAwaited = hasOffers && opened.hadUnread && !isLoaded && givenUp !== id;
  useEffect(() => {
    if (!isAwaited) return;
    const timer = setTimeout(() => setGivenUp(id), AWAITED_MS);
    return () => clearTimeout(timer);
  }, [isAwaited, id]);
  return { offerId: opened.offerId, isAwaited };
}

function firstUnread(
  items: readonly { conversationId?: string; offerId?: string; readAt?: string }[],
  id: string,
): string | null {
  const ids = items.flatMap(({ conversationId, offerId, readAt }) =>
    conversationId === id && offerId !== undefined && readAt === undefined ? [offerId] : [],
  );
  return ids.length === 0 ? null : ids.reduce((one, other) => (Number(one) < Number(other) ? one : other));
}
