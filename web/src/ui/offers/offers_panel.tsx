import type { Conversation } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { CloudOff, Tag } from "lucide-react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { EmptyState } from "../components/empty_state";
import { PanelFrame } from "../components/panel_frame";
import { useChat, useChatState } from "../page/chat_context";
import OfferCard from "./offer_card";
import { useOffers } from "./use_offers";

/** All offers of a conversation, newest first. */
export default function OffersPanel({ conversation }: { conversation: Conversation }) {
  const { id } = conversation;
  const chat = useChat();
  const { offers } = chat;
  const known = useStore(offers.state, (state) => own(state.byConversation, id));
  const connected = useChatState((state) => state.connected);
  const mayWrite = useOffers(conversation);
  const button = mayWrite && (
    <button type="button" className="primary" onClick={() => chat.openOfferForm({ conversationId: id })}>
      {texts.offers.make}
    </button>
  );
  const isEmpty = known?.offers.length === 0;
  if (known === undefined && !connected)
    return (
      <PanelFrame title={texts.offers.title}>
        <EmptyState icon={CloudOff} title={texts.offers.notLoaded} />
      </PanelFrame>
    );
  return (
    <PanelFrame title={texts.offers.title}>
      {!isEmpty && button}
      {isEmpty && (
        <EmptyState icon={Tag} title={texts.offers.none}>
          <p>{texts.offers.noneHint}</p>
          <div className="buttons">{button}</div>
        </EmptyState>
      )}
      {known?.offers.toReversed().map((offer) => (
        <OfferCard key={offer.id} offer={offer} isListed />
      ))}
      {known !== undefined && known.next !== null && (
        <button type="button" className="quiet" onClick={() => void offers.loadMore(id)}>
          {texts.offers.more}
        </button>
      )}
    </PanelFrame>
  );
}
