/** The reader's cards, and which of them wait, as components use them. */

import type { WaitingCards } from "@talkwire/client";
import { type Cards, cardsIn } from "@talkwire/client/cards";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { useChat } from "../page/chat_context";

export const useCards = (): Cards => cardsIn(useChat().client);

/** Returns a value of the cards, and renders the component again when it changes. */
export function useOfCards<T>(read: (cards: Cards) => T): T {
  const cards = useCards();
  const subscribe = useCallback((changed: () => void) => cards.on("change", changed), [cards]);
  return useSyncExternalStore(subscribe, () => read(cards));
}

/** Returns the cards that wait for the reader. */
export function useWaiting(): WaitingCards {
  const cards = useCards();
  useEffect(() => cards.loadWaiting(), [cards]);
  return useOfCards((all) => all.waiting);
}
