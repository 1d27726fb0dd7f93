import { X } from "lucide-react";
import { type HTMLAttributes, useCallback, useEffect, useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { IconButton } from "./icon_button";
import "./notice.css";

/**
 * Why the reader's last action failed, or what happened to the open conversation. It stands above the messages and covers
 * none; `floats`: in front of the page, where no conversation is open. What only informs disappears by itself.
 */
export function Notice({ floats = false }: { floats?: boolean }) {
  const chat = useChat();
  const notice = useChatState((state) => state.notice);
  const isNews = useChatState((state) => state.notice === state.news);
  const close = useCallback(() => chat.showNotice(""), [chat]);
  const passing = usePassing(notice, isNews ? LONG_MS : null, close);
  return (
    <div className={floats ? "notice floating-notice" : "notice"} role="alert" {...passing}>
      {notice !== "" && (
        <>
          <p>{notice}</p>
          <IconButton icon={X} label={texts.close} onClick={close} />
        </>
      )}
    </div>
  );
}

/** Long enough to read what was done, and to decide what to do. */
export const LONG_MS = 10_000;

type Handlers = Pick<HTMLAttributes<HTMLElement>, "onPointerEnter" | "onPointerLeave" | "onFocus" | "onBlur">;

/**
 * Ends what is shown after a time, unless the reader is at it: its element has these handlers. `ms`: null where it does
 * not end by itself. `end` is the same function each time.
 */
export function usePassing(shown: unknown, ms: number | null, end: () => void): Handlers {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    // Nothing says that the pointer is elsewhere once the element is gone.
    if (!shown) return setHeld(false);
    if (ms === null || isHeld) return;
    const timer = setTimeout(end, ms);
    return () => clearTimeout(timer);
  }, [shown, ms, isHeld, end]);
  const hold = (): void => setHeld(true);
  const release = (): void => setHeld(false);
  return { onPointerEnter: hold, onFocus: hold, onPointerLeave: release, onBlur: release };
}
