import { useEffect, useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import "./toast.css";

const SHOWN_MS = 4_000;
/** Long enough to read what was done, and to take it back. */
const UNDO_MS = 10_000;

/** What the reader's last action did, if nothing else shows it. It disappears by itself, unless the reader is at it. */
export function ToastView() {
  const { state } = useChat();
  const toast = useChatState((now) => now.toast);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (toast === null || isHeld) return;
    const timer = setTimeout(() => state.setState({ toast: null }), toast.undo ? UNDO_MS : SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state, toast, isHeld]);
  const hold = { onPointerEnter: () => setHeld(true), onFocus: () => setHeld(true) };
  const release = { onPointerLeave: () => setHeld(false), onBlur: () => setHeld(false) };
  const undo = (): void => {
    toast?.undo?.();
    setHeld(false);
    state.setState({ toast: null });
  };
  return (
    <div className="toast" role="status" {...hold} {...release}>
      {toast !== null && (
        <>
          <p>{toast.text}</p>
          {toast.undo && (
            <button type="button" className="quiet" onClick={undo}>
              {texts.undo}
            </button>
          )}
        </>
      )}
    </div>
  );
}
