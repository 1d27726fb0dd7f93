import type { Offer } from "@talkwire/client";
import { Tag } from "lucide-react";
import { useStore } from "zustand";
import { formatAmount } from "../../chat/offers/money";
import { statusAt } from "../../chat/offers/offer_rules";
import { excerptOf, piecesOf } from "../../chat/search/highlight";
import { foundNothing, isSearchable, NO_QUERY, type Search, type SearchQuery } from "../../chat/search/search";
import { texts } from "../../texts";
import { shortTime } from "../../time_format";
import { useGoToOffer } from "../components/panel_layout";
import { useChat, useChatState } from "../page/chat_context";
import { useIsFolded } from "../people/folded";
import { useNameIn } from "../people/use_name_in";
import { FindWhere } from "./find_where";
import { Marked } from "./message_results";
import { useSearch } from "./use_search";
import "./message_results.css";
import "./search.css";

/** Searches for offers where the page has them. Returns whether there is nothing to show. */
export function useOfferSearch(search: Search<Offer>, query: SearchQuery): boolean {
  const hasOffers = useChatState((state) => state.features.offers);
  useSearch(search, hasOffers ? query : NO_QUERY);
  return useStore(search.state, (result) => !isSearchable(result.query) || foundNothing(result));
}

/** The offers that are found. What goes wrong stands among the messages. */
export function OfferResults({ search }: { search: Search<Offer> }) {
  const { query: asked, items, next, status } = useStore(search.state);
  if (items.length === 0) return null;
  return (
    <section aria-label={texts.offers.title}>
      <h2 className="finds-heading">{texts.offers.title}</h2>
      <ul className="finds" aria-busy={status === "loading"}>
        {items.map((offer) => (
          <Result key={offer.id} offer={offer} query={asked.text} isElsewhere={asked.conversationId === null} />
        ))}
      </ul>
      {next !== null && status === "done" && (
        <button type="button" className="quiet" onClick={() => void search.loadMore()}>
          {texts.offers.more}
        </button>
      )}
    </section>
  );
}

/** `isElsewhere`: the offer may be of any conversation, so that one is named. */
function Result({ offer, query, isElsewhere }: { offer: Offer; query: string; isElsewhere: boolean }) {
  const { id, conversationId, authorId, title, description = "", amount, currency, createdAt } = offer;
  const goTo = useGoToOffer();
  const name = useNameIn(conversationId, authorId) ?? texts.offers.someone;
  const isMine = useChatState((state) => state.me.id === authorId);
  const isFolded = useIsFolded(conversationId, authorId);
  const nowMs = useStore(useChat().offers.state, (state) => state.nowMs);
  return (
    <li>
      <button type="button" className="find" data-found={id} onClick={() => goTo(offer)}>
        <span className="find-who">
          {!isFolded && <strong dir="auto">{isMine ? texts.you : name}</strong>}
          <time dateTime={createdAt}>{shortTime(createdAt)}</time>
        </span>
        {isElsewhere && <FindWhere conversationId={conversationId} author={isFolded || isMine ? "" : name} />}
        {isFolded ? (
          <span className="find-says">{texts.people.foldedOffer}</span>
        ) : (
          <>
            <span className="find-file">
              <Tag className="icon" aria-hidden="true" />
              <bdi>
                <Marked pieces={piecesOf(title, query)} />
              </bdi>
            </span>
            <span className="find-says">
              {formatAmount(amount, currency)} · {texts.offers.status[statusAt(offer, nowMs)]}
            </span>
            {piecesOf(description, query).some(({ isFound }) => isFound) && (
              <span className="find-says" dir="auto">
                <Marked pieces={piecesOf(excerptOf(description, query), query)} />
              </span>
            )}
          </>
        )}
      </button>
    </li>
  );
}
