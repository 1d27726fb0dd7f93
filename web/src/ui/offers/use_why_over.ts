import type { Offer } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useStore } from "zustand";
import { answererOf, statusAt } from "../../chat/offers/offer_rules";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { useIsGone } from "../page/use_is_gone";
import { useNameIn } from "../people/use_name_in";

/** Returns why an offer cannot be made any more, or the offer `counterTo` not be answered; empty if it can. */
export function useWhyOver(conversationId: string, counterTo: Offer | undefined): string {
  const { offers } = useChat();
  const isGone = useIsGone(conversationId);
  const { nowMs, byConversation } = useStore(offers.state);
  const known = own(byConversation, conversationId)?.offers.find(({ id }) => id === counterTo?.id) ?? counterTo;
  const answererId = known && answererOf(known);
  const isMine = useChatState(({ me }) => answererId === me.id);
  const name = useNameIn(conversationId, answererId) ?? texts.notices.somebody;
  if (isGone) return texts.noLongerIn;
  const status = known === undefined ? "pending" : statusAt(known, nowMs);
  return status === "pending" ? "" : texts.offers.over[status](isMine ? texts.you : name);
}
