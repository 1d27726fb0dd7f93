import type { Message } from "@talkwire/client";
import { describe, expect, it } from "vitest";
import { message } from "../../clients/javascript/client/test/samples";
import { isSearchable, NO_QUERY, Search, type SearchQuery, searchParameters } from "../src/chat/search/search";

const query = (changes: Partial<SearchQuery>): SearchQuery => ({ ...NO_QUERY, text: "plan", ...changes });
const asked = (path: string | URLSearchParams) =>
  Object.fromEntries(new URLSearchParams(String(path).slice(String(path).indexOf("?") + 1)));

describe("a query", () => {
  it("leaves out filters that are not set", () => {
    expect(asked(searchParameters(query({ text: " plan & more " }), null))).toEqual({ q: "plan & more", limit: "20" });
  });

  it("contains the conversation, the sender and the cursor", () => {
    const path = searchParameters(query({ conversationId: "c/1", sender: { id: "bob", name: "Bob" } }), "m9");
    expect(asked(path)).toMatchObject({ conversationId: "c/1", senderId: "bob", cursor: "m9" });
  });

  it("covers whole days in the reader's time zone, the last one included", () => {
    const { after, before } = asked(searchParameters(query({ from: "2026-01-31", until: "2026-01-31" }), null));
    expect(after).toBe(new Date(2026, 0, 31).toISOString());
    expect(before).toBe(new Date(2026, 1, 1).toISOString());
  });

  it("needs a word", () => {
    expect(["", "  ", "…", "?!"].map((text) => isSearchable(query({ text })))).toEqual([false, false, false, false]);
    expect(["a", "7", "大", "🎉"].map((text) => isSearchable(query({ text })))).toEqual([true, true, true, true]);
  });
});

/** A server that returns these pages one after the other. */
function searching(...pages: { items: Message[]; next: string | null }[]) {
  const paths: string[] = [];
  const get = async <T>(path: string): Promise<T> => {
    paths.push(path);
    const page = pages.shift();
    if (page === undefined) throw new Error("no way");
    return page as T;
  };
  return { search: new Search<Message>({ get }, "search"), paths };
}

const found = (search: Search<Message>) => search.state.getState().items.map(({ id }) => id);

describe("a search", () => {
  it("continues at the cursor", async () => {
    const { search, paths } = searching({ items: [message(9)], next: "m9" }, { items: [message(3)], next: null });
    await search.search(query({}));
    expect(found(search)).toEqual(["m9"]);
    await search.loadMore();
    expect(found(search)).toEqual(["m9", "m3"]);
    await search.loadMore();
    expect(paths.map((path) => asked(path).cursor)).toEqual([undefined, "m9"]);
  });

  it("skips empty pages", async () => {
    const { search } = searching(
      { items: [], next: "m9" },
      { items: [], next: "m5" },
      { items: [message(2)], next: null },
    );
    await search.search(query({}));
    expect(found(search)).toEqual(["m2"]);
  });

  it("ignores the answer to an earlier query", async () => {
    const { search } = searching({ items: [message(1)], next: null }, { items: [message(2)], next: null });
    const older = search.search(query({}));
    const newer = search.search(query({ text: "other" }));
    await Promise.all([older, newer]);
    expect(found(search)).toEqual(["m2"]);
  });

  it("shows why it failed, and clears that for an empty query", async () => {
    const { search } = searching();
    await search.search(query({}));
    expect(search.state.getState()).toMatchObject({ status: "failed", problem: "no way" });
    await search.search(query({ text: "" }));
    expect(search.state.getState()).toMatchObject({ status: "idle", problem: "", items: [] });
  });
});
