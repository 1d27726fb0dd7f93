import { X } from "lucide-react";
import { useCallback } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { IconButton } from "./icon_button";
import { LONG_MS, usePassing } from "./use_passing";
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
