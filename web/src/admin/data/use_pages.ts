import { useEffect, useState, useSyncExternalStore } from "react";
import { useApi } from "../admin_context";
import { type ListState, type Page, PageList } from "./page_list";
import { useRepeated } from "./use_repeated";

export const PAGE_SIZE = 50;

export interface Pages<T> extends ListState<T> {
  more: () => void;
  reload: () => void;
}

/** Returns the list at a path, such as `admin/users`, with these filters. `refreshMs`: how often it is loaded again. */
export function usePages<T>(path: string, filters: Readonly<Record<string, string>>, refreshMs?: number): Pages<T> {
  return useList(path, { ...filters, limit: String(PAGE_SIZE) }, refreshMs);
}

/** Returns a list that the server returns whole, without pages. `refreshMs`: how often it is loaded again. */
export function useWholeList<T>(path: string, refreshMs: number): Pages<T> {
  return useList(path, {}, refreshMs);
}

function useList<T>(path: string, parameters: Readonly<Record<string, string>>, refreshMs?: number): Pages<T> {
  const api = useApi();
  const [list] = useState(() => new PageList<T>());
  const query = queryOf(parameters);
  useEffect(() => {
    void list.show((cursor) =>
      api.get<Page<T>>(`${path}?${query}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`),
    );
  }, [api, list, path, query]);
  useRepeated(() => void list.refresh(), refreshMs);
  const state = useSyncExternalStore(list.subscribe, () => list.state);
  return { ...state, more: () => void list.more(), reload: () => void list.reload() };
}

function queryOf(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "")).toString();
}
