/** The search for messages: its query, and the results that are loaded. */

import type { Message, MessagePage, Person } from "@talkwire/client";
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

export interface SearchState {
  readonly query: SearchQuery;
  readonly messages: readonly Message[];
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null;
  readonly status: "idle" | "loading" | "done" | "failed";
  readonly problem: string;
}

export const NO_QUERY: SearchQuery = { text: "", conversationId: null, sender: null, from: "", until: "" };
const NO_RESULTS: SearchState = { query: NO_QUERY, messages: [], next: null, status: "idle", problem: "" };

/** A page may be empty although more follow; this many are skipped at once. */
const EMPTY_PAGES_MAX = 5;

/** Returns whether the query has a word to search for. */
export const isSearchable = ({ text }: SearchQuery): boolean => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text);

/** Returns the path of a request. Days start in the reader's time zone. */
export function searchPath({ text, conversationId, sender, from, until }: SearchQuery, cursor: string | null): string {
  const asked = new URLSearchParams({ q: text.trim(), limit: "20" });
  if (conversationId !== null) asked.set("conversationId", conversationId);
  if (sender !== null) asked.set("senderId", sender.id);
  if (from !== "") asked.set("after", startOf(from, 0));
  if (until !== "") asked.set("before", startOf(until, 1));
  if (cursor !== null) asked.set("cursor", cursor);
  return `search?${asked}`;
}

function startOf(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

export class MessageSearch {
  readonly state: StoreApi<SearchState> = createStore<SearchState>(() => NO_RESULTS);
  readonly #api: Pick<Api, "get">;

  constructor(api: Pick<Api, "get">) {
    this.#api = api;
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
      const before = cursor === null ? [] : this.state.getState().messages;
      this.state.setState({ messages: [...before, ...items], next, status: "done" });
    } catch (error) {
      if (this.state.getState().query !== query) return;
      const problem = (error as Error).message;
      // The results of the query before are none of this one.
      const nothing = cursor === null ? { messages: [], next: null } : {};
      this.state.setState({ ...nothing, status: "failed", problem });
    }
  }

  async #page(query: SearchQuery, cursor: string | null): Promise<MessagePage> {
    let page = await this.#api.get<MessagePage>(searchPath(query, cursor));
    for (let tries = 1; page.items.length === 0 && page.next !== null && tries < EMPTY_PAGES_MAX; tries++)
      page = await this.#api.get<MessagePage>(searchPath(query, page.next));
    return page;
  }
}
