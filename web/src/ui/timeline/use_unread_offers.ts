import type { ChatNotification } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { useChat, useChatState } from "../page/chat_context";

/** The messages of a conversation do not wait longer for its offers. */
const AWAITED_MS = 1_000;

interface UnreadOffers {
  /** The ids of offers that were unread when the conversation was opened, as far as they are known. */
  readonly ids: ReadonlySet<string>;
  /** Whether there are some and the offers are being loaded, so that where the reader starts is not known yet. */
  readonly isAwaited: boolean;
}

interface Opened {
  readonly id: string;
  /** Whether there were unread offers; null as long as the conversation is not known. */
  hadUnread: boolean | null;
  ids: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** Returns the offers of a conversation that are unread when it is opened, as long as it is open. */
export function useUnreadOffers(id: string): UnreadOffers {
  const { alerts, offers } = useChat();
  const hasOffers = useChatState(({ features }) => features.offers);
  const unreadCount = useChatState(({ conversations }) => own(conversations, id)?.unreadOfferCount);
  const isKnown = useChatState(({ conversations }) => own(conversations, id) !== undefined);
  const items = useStore(alerts.state, (state) => state.items);
  // What was so when the conversation was opened stays so; a new object begins again.
  const opened = useMemo<Opened>(() => ({ id, hadUnread: null, ids: NONE }), [id]);
  if (isKnown) opened.hadUnread ??= (unreadCount ?? 0) > 0;
  if (opened.hadUnread && opened.ids.size === 0) opened.ids = unreadOffers(items, id);
  const isLoaded = useStore(offers.state, ({ byConversation }) => own(byConversation, id) !== undefined);
  const [givenUp, setGivenUp] = useState<string | null>(null);
  const isAwaited = hasOffers && opened.hadUnread === true && !isLoaded && givenUp !== id;
  useEffect(() => {
    if (!isAwaited) return;
    const timer = setTimeout(() => setGivenUp(id), AWAITED_MS);
    return () => clearTimeout(timer);
  }, [isAwaited, id]);
  return { ids: opened.ids, isAwaited };
}

function unreadOffers(items: readonly ChatNotification[], id: string): ReadonlySet<string> {
  const unread = items.filter(({ conversationId, readAt }) => conversationId === id && readAt === undefined);
  return new Set(unread.flatMap(({ offerId }) => offerId ?? []));
}
