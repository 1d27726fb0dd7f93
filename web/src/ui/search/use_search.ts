import { useEffect } from "react";
import type { MessageSearch, SearchQuery } from "../../chat/search/message_search";

const TYPING_PAUSE_MS = 250;

/** Searches when the reader pauses. Does not repeat the last query. */
export function useSearch(search: MessageSearch, query: SearchQuery): void {
  useEffect(() => {
    if (search.state.getState().query === query) return;
    const timer = setTimeout(() => void search.search(query), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [search, query]);
}
