import type { ReactNode } from "react";
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
