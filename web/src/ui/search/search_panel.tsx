import type { Conversation, Person } from "@talkwire/client";
import { SlidersHorizontal } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { NO_QUERY, type SearchQuery } from "../../chat/search/search";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { PanelFrame } from "../components/panel_frame";
import { useGoToMessage } from "../components/panel_layout";
import { isComposing } from "../keyboard/focus";
import { moveAmong } from "../keyboard/move_among";
import { useChat } from "../page/chat_context";
import { PeopleFinder } from "../people/people_finder";
import { MessageResults } from "./message_results";
import { OfferResults, useOfferSearch } from "./offer_results";
import { useSearch } from "./use_search";
import "./search.css";

/** Searches messages, here or everywhere. The query stays while the panel is closed. */
export default function SearchPanel({ conversation: { id } }: { conversation: Conversation }) {
  const { search, offerSearch } = useChat();
  const asked = useStore(search.state, (state) => state.query);
  const [query, setQuery] = useState<SearchQuery>(() =>
    asked.text === "" ? { ...NO_QUERY, conversationId: id } : asked,
  );
  const [filters, setFilters] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const jump = useGoToMessage();
  useEffect(() => field.current?.focus(), []);
  // The switcher searches too.
  useEffect(() => {
    if (asked.text !== "") setQuery(asked);
  }, [asked]);
  // A search in one conversation is in the open one.
  useEffect(() => {
    setQuery((before) => (before.conversationId === null ? before : { ...before, conversationId: id }));
  }, [id]);
  useSearch(search, query);
  useOfferSearch(offerSearch, query);
  const hasOffers = useStore(offerSearch.state, ({ items }) => items.length > 0);
  const change = (changes: Partial<SearchQuery>): void => setQuery((before) => ({ ...before, ...changes }));
  return (
    <PanelFrame title={texts.search} onKeyDown={(event) => moveAmong(event, ".search-line input, .find")}>
      <search className="message-search">
        <div className="search-line">
          <input
            ref={field}
            type="search"
            aria-label={texts.searchMessages}
            placeholder={texts.searchHint}
            value={query.text}
            autoComplete="off"
            onChange={(event) => change({ text: event.target.value })}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || isComposing(event.nativeEvent)) return;
              const { query: asked, status, items } = search.state.getState();
              const [first] = items;
              if (asked !== query || status === "failed") void search.search(query);
              else if (first !== undefined) jump(first.conversationId, first.id);
            }}
          />
          <IconButton
            icon={SlidersHorizontal}
            label={texts.filters}
            aria-expanded={filters}
            onClick={() => setFilters(!filters)}
          />
        </div>
        <Where id={id} query={query} onChange={change} />
        {filters && <Filters query={query} onChange={change} />}
      </search>
      <OfferResults search={offerSearch} />
      {hasOffers && <h2 className="finds-heading">{texts.foundMessages}</h2>}
      <MessageResults search={search} />
    </PanelFrame>
  );
}

interface Props {
  query: SearchQuery;
  onChange: (changes: Partial<SearchQuery>) => void;
}

function Where({ id, query: { conversationId }, onChange }: Props & { id: string }) {
  return (
    <fieldset className="where">
      <legend className="hidden">{texts.searchWhere}</legend>
      {([id, null] as const).map((place) => (
        <label key={place}>
          <input
            type="radio"
            name="where"
            checked={(conversationId === null) === (place === null)}
            onChange={() => onChange({ conversationId: place })}
          />
          {place === null ? texts.searchEverywhere : texts.searchHere}
        </label>
      ))}
    </fieldset>
  );
}

function Filters({ query: { sender, from, until }, onChange }: Props) {
  const chosen: readonly Person[] = sender === null ? [] : [sender];
  return (
    <div className="filters">
      <fieldset>
        <legend>{texts.searchFrom}</legend>
        <PeopleFinder chosen={chosen} onChange={(people) => onChange({ sender: people.at(-1) ?? null })} />
      </fieldset>
      <div className="day-range">
        <label>
          {texts.fromDay}
          <input type="date" value={from} onChange={(event) => onChange({ from: event.target.value })} />
        </label>
        <label>
          {texts.untilDay}
          <input type="date" value={until} onChange={(event) => onChange({ until: event.target.value })} />
        </label>
      </div>
    </div>
  );
}
