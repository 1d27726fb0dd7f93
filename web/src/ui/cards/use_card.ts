/** A card, as components use it. */

import type { SeenCard } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useEffect } from "react";
import { type CardMessage, mayChoose } from "../../chat/cards/card_rules";
import { locale } from "../../languages/locale";
import { texts } from "../../texts";
import { partnerOf } from "../components/conversation_names";
import { useChatState } from "../page/chat_context";
import { useNameIn } from "../people/use_name_in";
import { useCards, useOfCards } from "./use_cards";

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
