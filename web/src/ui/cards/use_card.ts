/** The reader's cards, as components use them. */

import type { SeenCard, WaitingCards } from "@talkwire/client";
import { type Cards, cardsIn } from "@talkwire/client/cards";
import { own } from "@talkwire/client/parts";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { type CardMessage, mayChoose } from "../../chat/cards/card_rules";
import { locale } from "../../languages/locale";
import { texts } from "../../texts";
import { partnerOf } from "../components/conversation_names";
import { useChat, useChatState } from "../page/chat_context";
import { useNameIn } from "../people/use_name_in";

export const useCards = (): Cards => cardsIn(useChat().client);

/** Returns a value of the cards, and renders the component again when it changes. */
function useOfCards<T>(read: (cards: Cards) => T): T {
  const cards = useCards();
  const subscribe = useCallback((changed: () => void) => cards.on("change", changed), [cards]);
  return useSyncExternalStore(subscribe, () => read(cards));
}

/** Returns what is known of a message's card beside the message, and loads it; null if it cannot be loaded. */
export function useSeenCard(id: string): SeenCard | null | undefined {
  const cards = useCards();
  const seen = useOfCards((all) => all.known(id));
  const isUnknown = seen === undefined;
  useEffect(() => {
    if (isUnknown) void cards.load(id);
  }, [cards, id, isUnknown]);
  return seen;
}

/** Returns the cards that wait for the reader. */
export function useWaiting(): WaitingCards {
  const cards = useCards();
  useEffect(() => cards.loadWaiting(), [cards]);
  return useOfCards((all) => all.waiting);
}

/** Returns whether the reader may choose an action of a card now. */
export function useMayChoose(message: CardMessage): boolean {
  const conversation = useChatState((state) => own(state.conversations, message.conversationId));
  const me = useChatState((state) => state.me);
  const partner = conversation && partnerOf(conversation, me);
  const isBlocked = useChatState(({ blocked }) => partner !== undefined && blocked.has(partner.userId));
  return conversation !== undefined && mayChoose(message, conversation, me, isBlocked);
}

/** Returns the names of users as a list, of many only the first. */
export function useNames(conversationId: string, ids: readonly string[]): string {
  const myId = useChatState((state) => state.me.id);
  const names = [
    useNameIn(conversationId, ids[0]),
    useNameIn(conversationId, ids[1]),
    useNameIn(conversationId, ids[2]),
    useNameIn(conversationId, ids[3]),
  ];
  const shown = ids
    .slice(0, names.length)
    .map((id, index) => (id === myId ? texts.you : (names[index] ?? texts.offers.someone)));
  if (ids.length > names.length) shown.push(`+${ids.length - names.length}`);
  return new Intl.ListFormat(locale(), { type: "conjunction" }).format(shown);
}
