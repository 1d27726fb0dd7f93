import { useState } from "react";

export interface Saving {
  readonly busy: boolean;
  /** Whether the last one went well. */
  readonly done: boolean;
  readonly problem: string;
  /** Does it, and says how that went. Answers whether it went well. */
  readonly save: (action: () => Promise<unknown>) => Promise<boolean>;
}

/** What a form says of what it sends. */
export function useSaving(): Saving {
  const [state, setState] = useState({ busy: false, done: false, problem: "" });
  const save = async (action: () => Promise<unknown>): Promise<boolean> => {
    setState({ busy: true, done: false, problem: "" });
    try {
      await action();
      setState({ busy: false, done: true, problem: "" });
      return true;
    } catch (error) {
      setState({ busy: false, done: false, problem: (error as Error).message });
      return false;
    }
  };
  return { ...state, save };
}
