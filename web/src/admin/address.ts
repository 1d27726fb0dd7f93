/** The address of a view of the console: `#/users?q=maya`, or `#/users/ID` for one of its items. */

import { useSyncExternalStore } from "react";
import { pageLayers } from "../ui/page/page_layers";

export interface Address {
  readonly section: string;
  /** The item whose details are shown; null: none. */
  readonly id: string | null;
  readonly filters: Readonly<Record<string, string>>;
}

export function parseAddress(hash: string): Address {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [section = "", id] = path.split("/").map(decoded);
  return { section, id: id || null, filters: Object.fromEntries(new URLSearchParams(query)) };
}

/** Returns the address of a view. Empty filters are left out. */
export function hrefOf(
  section: string,
  filters: Readonly<Record<string, string>> = {},
  id: string | null = null,
): string {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ""));
  const path = id === null ? section : `${section}/${encodeURIComponent(id)}`;
  return `#/${path}${query.size > 0 ? `?${query}` : ""}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // The address is malformed.
    return "";
  }
}

export function useAddress(): Address {
  return parseAddress(useSyncExternalStore(followHash, () => location.hash));
}

function followHash(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** Closes what is in front, and shows another view. */
export function goTo(section: string): void {
  pageLayers().leave(() => {
    location.hash = hrefOf(section);
  });
}

/** Changes the filters of the view that is shown, without an entry in the history. */
export function setFilters(changes: Readonly<Record<string, string>>): void {
  const { section, id, filters } = parseAddress(location.hash);
  const href = hrefOf(section, { ...filters, ...changes }, id);
  if (href === location.hash) return;
  history.replaceState(history.state, "", href);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
