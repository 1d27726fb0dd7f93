import { useEffect, useState } from "react";

export interface Loading<T> {
  /** null: it comes. */
  readonly items: readonly T[] | null;
  readonly problem: string;
}

/** What the server answers while a dialog is open. `load` is the same function as long as it asks the same. */
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
