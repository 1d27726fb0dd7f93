/** A search for messages or offers: its query, and the results that are loaded. */

import type { Person } from "@talkwire/client";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Api } from "../../server/api";

export interface SearchQuery {
  readonly text: string;
  /** Null: everywhere. */
  readonly conversationId: string | null;
  readonly sender: Person | null;
  /** Days as `2026-01-31`, both included; empty: no limit. */
  readonly from: string;
  readonly until: string;
}

export interface SearchState<Item> {
  readonly query: SearchQuery;
  /** Newest first. */
  readonly items: readonly Item[];
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null;
  readonly status: "idle" | "loading" | "done" | "failed";
  readonly problem: string;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

export const NO_QUERY: SearchQuery = { text: "", conversationId: null, sender: null, from: "", until: "" };
const NO_RESULTS: SearchState<never> = { query: NO_QUERY, items: [], next: null, status: "idle", problem: "" };

/** A page may be empty although more follow; this many are skipped at once. */
const EMPTY_PAGES_MAX = 5;

/** Returns whether the query has a word to search for. */
export const isSearchable = ({ text }: SearchQuery): boolean => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text);

/** Returns whether the server has answered, and has found nothing. */
export const foundNothing = ({ status, items, next }: SearchState<unknown>): boolean =>
  status === "done" && items.length === 0 && next === null;

/** Returns the parameters of a request. Days start in the reader's time zone. */
export function searchParameters(query: SearchQuery, cursor: string | null): URLSearchParams {
  const { text, conversationId, sender, from, until } = query;
  const asked = new URLSearchParams({ q: text.trim(), limit: "20" });
  if (conversationId !== null) asked.set("conversationId", conversationId);
  if (sender !== null) asked.set("senderId", sender.id);
  if (from !== "") asked.set("after", startOf(from, 0));
  if (until !== "") asked.set("before", startOf(until, 1));
  if (cursor !== null) asked.set("cursor", cursor);
  return asked;
}

function startOf(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

export class Search<Item> {
  readonly state: StoreApi<SearchState<Item>> = createStore<SearchState<Item>>(() => NO_RESULTS);
  readonly #api: Pick<Api, "get">;
  readonly #path: string;

  /** `path`: of the server's search, such as `search/offers`. */
  constructor(api: Pick<Api, "get">, path: string) {
    this.#api = api;
    this.#path = path;
  }

  /** Searches for another query; earlier results stay until the answer arrives. */
  async search(query: SearchQuery): Promise<void> {
    if (!isSearchable(query)) return this.state.setState({ ...NO_RESULTS, query }, true);
    this.state.setState({ query, status: "loading", problem: "" });
    await this.#read(query, null);
  }

  async loadMore(): Promise<void> {
    const { query, next, status } = this.state.getState();
    if (next === null || status === "loading") return;
    this.state.setState({ status: "loading", problem: "" });
    await this.#read(query, next);
  }

  async #read(query: SearchQuery, cursor: string | null): Promise<void> {
    try {
      const { items, next } = await this.#page(query, cursor);
      if (this.state.getState().query !== query) return;
      const before = cursor === null ? [] : this.state.getState().items;
      this.state.setState({ items: [...before, ...items], next, status: "done" });
    } catch (error) {
      if (this.state.getState().query !== query) return;
      const problem = (error as Error).message;
      // The results of the query before are none of this one.
      const nothing = cursor === null ? { items: [], next: null } : {};
      this.state.setState({ ...nothing, status: "failed", problem });
    }
  }

  async #page(query: SearchQuery, cursor: string | null): Promise<Page<Item>> {
    const get = (from: string | null) => this.#api.get<Page<Item>>(`${this.#path}?${searchParameters(query, from)}`);
    let page = await get(cursor);
    for (let tries = 1; page.items.length === 0 && page.next !== null && tries < EMPTY_PAGES_MAX; tries++)
      page = await get(page.next);
    return page;
  }
}
