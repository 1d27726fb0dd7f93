import { type ReactNode, useEffect, useId, useRef } from "react";
import "./dialog.css";

interface Props {
  title: string;
  /** Also when the reader presses Escape. */
  onClose: () => void;
  className?: string;
  children: ReactNode;
}

/** A question in front of everything else: nothing behind it can be reached until it is closed. */
export function Dialog({ title, onClose, className, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    // What had the focus gets it back: the browser does that where the dialog is closed, not where it is taken away.
    const before = document.activeElement;
    dialog.current?.showModal();
    // The browser scrolls to what it gives the focus, and that may be the last button.
    dialog.current?.scrollTo({ top: 0 });
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={id} className={className}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
