import { useEffect, useState } from "react";

export interface Loading<T> {
  /** Null while it is being loaded. */
  readonly items: readonly T[] | null;
  readonly problem: string;
}

/** Loads the items of a dialog. `load` has to be the same function for the same request. */
export function useLoading<T>(load: () => Promise<readonly T[]>): Loading<T> {
  const [state, setState] = useState<Loading<T>>({ items: null, problem: "" });
  useEffect(() => {
    let current = true;
    load().then(
      (items) => current && setState({ items, problem: "" }),
      (error: Error) => current && setState({ items: null, problem: error.message }),
    );
    return () => {
      current = false;
    };
  }, [load]);
  return state;
}
