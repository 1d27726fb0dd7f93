import { type ReactNode, useEffect, useId, useRef } from "react";
import "./dialog.css";

interface Props {
  title: string;
  /** Also called when the reader presses Escape. */
  onClose: () => void;
  className?: string;
  children: ReactNode;
}

/** A modal dialog. */
export function Dialog({ title, onClose, className, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    // Returns the focus: the browser does that for a closed dialog, but not for a removed one.
    const before = document.activeElement;
    dialog.current?.showModal();
    // The browser scrolls to the focused element, which may be the last button.
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
