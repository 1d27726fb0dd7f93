import { type ReactNode, useId, useRef } from "react";
import { byTouch } from "../keyboard/focus";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useBackCloses } from "../layers/use_back_closes";
import "./dialog.css";

interface Props {
  title: string;
  /** Also called when the reader presses Escape or goes back. */
  onClose: () => void;
  className?: string;
  children: ReactNode;
}

/** A modal dialog. */
export function Dialog({ title, onClose, className, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useBackCloses(true, onClose);
  useFocusUntilClosed(() => {
    dialog.current?.showModal();
    // A search would call up the keyboard, above what can be found without it.
    if (byTouch && document.activeElement?.matches("[type=search]")) dialog.current?.focus();
    // The browser scrolls to the focused element, which may be the last button.
    dialog.current?.scrollTo({ top: 0 });
  });
  return (
    <dialog ref={dialog} tabIndex={-1} onClose={onClose} aria-labelledby={id} className={className}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
