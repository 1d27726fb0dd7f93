import type { Rest } from "./rest.ts";

/** Returns the items of all pages of a list. `path` has a query. Rejects with `RequestError`. */
export async function allPages<Item>(rest: Rest, path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: { items: Item[]; next: string | null } = await rest.get(path + cursor);
    items.push(...page.items);
    cursor = page.next && `&cursor=${encodeURIComponent(page.next)}`;
  }
  return items;
}
