import { useEffect } from "react";
import type { MessageSearch, Query } from "../../chat/search/search";

const TYPING_PAUSE_MS = 250;

/** Asks when the reader pauses; what was asked already is not asked again. */
export function useAsking(search: MessageSearch, query: Query): void {
  useEffect(() => {
    if (search.state.getState().query === query) return;
    const timer = setTimeout(() => void search.ask(query), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [search, query]);
}
