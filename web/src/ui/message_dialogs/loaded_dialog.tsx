import type { ReactNode } from "react";
import { useEffect, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import "./message_dialogs.css";

interface Props {
  title: string;
  isLoading: boolean;
  /** Why it could not be loaded; empty when it was. */
  problem: string;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog whose content is loaded first. */
export function LoadedDialog({ title, isLoading, problem, onClose, children }: Props) {
  return (
    <Dialog title={title} onClose={onClose} hasText>
      <div className="question">
        {children}
        {isLoading && problem === "" && <p className="note">{texts.loading}</p>}
        <p className="problem" role="alert">
          {problem}
        </p>
      </div>
    </Dialog>
  );
}

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
