import type { Conversation, Offer } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { CloudOff, Tag } from "lucide-react";
import { useLayoutEffect, useRef } from "react";
import { useStore } from "zustand";
import { withOffers } from "../../chat/offers/offer_rules";
import { texts } from "../../texts";
import { EmptyState } from "../components/empty_state";
import { PanelFrame } from "../components/panel_frame";
import { useChat, useChatState } from "../page/chat_context";
import OfferCard from "./offer_card";
import { useOffers } from "./use_offers";

interface Props {
  conversation: Conversation;
  /** The offer to scroll to, which may be older than those that are loaded. */
  found?: Offer | undefined;
}

/** All offers of a conversation, newest first. */
export default function OffersPanel({ conversation, found }: Props) {
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
  const shown = found?.conversationId === id ? withOffers(known?.offers ?? [], [found]) : known?.offers;
  const isEmpty = shown?.length === 0;
  if (shown === undefined && !connected)
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
      {shown
        ?.toReversed()
        .map((offer) =>
          offer.id === found?.id ? (
            <Found key={offer.id} offer={offer} search={found} among={shown.length} />
          ) : (
            <OfferCard key={offer.id} offer={offer} />
          ),
        )}
      {known !== undefined && known.next !== null && (
        <button type="button" className="quiet" onClick={() => void offers.loadMore(id)}>
          {texts.offers.more}
        </button>
      )}
    </PanelFrame>
  );
}

/**
 * The offer to which the reader has come from a search. `search`: the result, another one each time. `among`: how many
 * offers there are, of which some may come later and move it out of sight.
 */
function Found({ offer, search, among }: { offer: Offer; search: Offer; among: number }) {
  const element = useRef<HTMLDivElement>(null);
  const shown = useRef<Offer>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls there again when more offers have come
  useLayoutEffect(() => {
    const isLeft = shown.current === search && document.activeElement !== element.current;
    if (isLeft) return;
    shown.current = search;
    element.current?.scrollIntoView({ block: "center" });
    element.current?.focus({ preventScroll: true });
  }, [search, among]);
  return (
    <div ref={element} className="found-offer" tabIndex={-1}>
      <OfferCard offer={offer} />
    </div>
  );
}
