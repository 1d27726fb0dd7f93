import { useEffect } from "react";
import type { Search, SearchQuery } from "../../chat/search/search";
import { useReconnects } from "../page/use_reconnects";

const TYPING_PAUSE_MS = 250;

/** Searches when the reader pauses. Repeats the last query only when the connection returns after it failed. */
export function useSearch(search: Search<unknown>, query: SearchQuery): void {
  useEffect(() => {
    if (search.state.getState().query === query) return;
    const timer = setTimeout(() => void search.search(query), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [search, query]);
  const reconnects = useReconnects();
  useEffect(() => {
    const { query: last, status } = search.state.getState();
    if (reconnects > 0 && status === "failed") void search.search(last);
  }, [search, reconnects]);
}
