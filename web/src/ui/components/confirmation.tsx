import { type ReactNode, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "./dialog";

interface Props {
  title: string;
  /** What the button says that does it. */
  action: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
  /** What it means. */
  children: ReactNode;
}

/** Asks before something is done that cannot be undone. A refusal is shown, and leaves the question open. */
export function Confirmation({ title, action, onConfirm, onClose, children }: Props) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} className="confirmation">
      <p>{children}</p>
      <p className="problem" role="alert">
        {problem}
      </p>
      <div className="buttons">
        <button type="button" className="quiet" onClick={onClose}>
          {texts.cancel}
        </button>
        <button type="button" className="danger" disabled={busy} onClick={() => void confirm()}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
