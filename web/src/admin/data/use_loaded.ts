import { useCallback, useEffect, useRef, useState } from "react";
import { useApi } from "../admin_context";
import { useRepeated } from "./use_repeated";

export interface Loaded<T> {
  /** Undefined until the first answer. */
  readonly value: T | undefined;
  /** Why the last request failed; empty when it did not. */
  readonly problem: string;
  readonly reload: () => Promise<void>;
}

/** Returns what the server has at a path. `refreshMs`: how often it is loaded again. Null as path loads nothing. */
export function useLoaded<T>(path: string | null, refreshMs?: number): Loaded<T> {
  const api = useApi();
  const [{ value, problem, of }, setState] = useState<{ value?: T; problem: string; of: string | null }>({
    problem: "",
    of: path,
  });
  const newest = useRef(0);
  const reload = useCallback(async (): Promise<void> => {
    if (path === null) return;
    newest.current += 1;
    const request = newest.current;
    try {
      const found = await api.get<T>(path);
      if (request === newest.current) setState({ value: found, problem: "", of: path });
    } catch (error) {
      const failed = (error as Error).message;
      if (request === newest.current)
        setState((before) => (before.of === path ? { ...before, problem: failed } : { problem: failed, of: path }));
    }
  }, [api, path]);
  useEffect(() => void reload(), [reload]);
  useRepeated(() => void reload(), refreshMs);
  return { value: of === path ? value : undefined, problem: of === path ? problem : "", reload };
}
