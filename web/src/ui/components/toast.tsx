import { useEffect, useRef, useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import "./toast.css";

const SHOWN_MS = 4_000;
/** Long enough to read what was done, and to decide what to do. */
const LONG_MS = 10_000;

/**
 * What the reader's last action did, or what others did to the open conversation, if nothing else shows it. It disappears
 * by itself, unless the reader is at it. Screen readers announce it.
 */
export function ToastView() {
  const { state } = useChat();
  const toast = useChatState((now) => now.toast);
  const element = useRef<HTMLElement>(null);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (toast === null || isHeld) return;
    const timer = setTimeout(() => state.setState({ toast: null }), toast.action || toast.isNews ? LONG_MS : SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state, toast, isHeld]);
  // In front of dialogs, of which the newest would cover it otherwise.
  useEffect(() => {
    element.current?.hidePopover();
    if (toast !== null) element.current?.showPopover();
  }, [toast]);
  const hold = { onPointerEnter: () => setHeld(true), onFocus: () => setHeld(true) };
  const release = { onPointerLeave: () => setHeld(false), onBlur: () => setHeld(false) };
  const act = (): void => {
    toast?.action?.run();
    setHeld(false);
    state.setState({ toast: null });
  };
  return (
    <section className="toast" aria-label={texts.outcome} popover="manual" ref={element} {...hold} {...release}>
      <p>{toast?.text}</p>
      {toast?.action && (
        <button type="button" className="quiet" onClick={act}>
          {toast.action.label}
        </button>
      )}
    </section>
  );
}
