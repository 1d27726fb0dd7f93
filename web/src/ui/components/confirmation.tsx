import { type ReactNode, useEffect, useState } from "react";
import { texts } from "../../texts";
import { useReconnects } from "../page/use_reconnects";
import { Dialog } from "./dialog";
import { looksLike } from "./looks_like";

interface Props {
  title: string;
  /** The label of the button that confirms. */
  action: string;
  /** Whether the button is not red: nothing is removed. */
  isHarmless?: boolean;
  /** What the reader has to type before the button works. */
  typed?: string;
  /** Why it is too late for the action; empty if it is not. */
  over?: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
  /** The consequences of the action. */
  children: ReactNode;
}

/** Asks for confirmation of an action that cannot be undone. A failure is shown, and the dialog stays open. */
export function Confirmation(props: Props) {
  const { title, action, isHarmless = false, typed, over = "", onConfirm, onClose, children } = props;
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [entered, setEntered] = useState("");
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: that the server cannot be reached is over then
  useEffect(() => setProblem(""), [reconnects]);
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
      {typed !== undefined && (
        <label>
          {texts.typeToConfirm(typed)}
          <input value={entered} autoComplete="off" onChange={({ target }) => setEntered(target.value)} />
        </label>
      )}
      <div className="buttons">
        <p className="problem" role="alert">
          {busy ? "" : over || problem}
        </p>
        <button type="button" onClick={onClose}>
          {texts.cancel}
        </button>
        <button
          type="button"
          className={isHarmless ? "primary" : "destructive"}
          disabled={busy || over !== "" || (typed !== undefined && !looksLike(entered, typed))}
          onClick={() => void confirm()}
        >
          {action}
        </button>
      </div>
    </Dialog>
  );
}
