import { useState } from "react";

export interface Saving {
  readonly busy: boolean;
  /** Whether the last action succeeded. */
  readonly done: boolean;
  readonly problem: string;
  /** Runs an action and shows its outcome. Returns whether it succeeded. */
  readonly save: (action: () => Promise<unknown>) => Promise<boolean>;
  /** Removes the outcome, which is no longer true after another change. */
  readonly clear: () => void;
}

const UNSAVED = { busy: false, done: false, problem: "" };

/** The state of a form that is being saved. */
export function useSaving(): Saving {
  const [state, setState] = useState(UNSAVED);
  const clear = (): void => setState((before) => (before.done || before.problem !== "" ? UNSAVED : before));
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
  return { ...state, save, clear };
}
