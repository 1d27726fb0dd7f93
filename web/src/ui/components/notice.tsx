import { X } from "lucide-react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { IconButton } from "./icon_button";
import "./notice.css";

/** Why the reader's last action failed, or what happened to the open conversation. */
export function Notice() {
  const chat = useChat();
  const notice = useChatState((state) => state.notice);
  return (
    <div className="notice" role="alert">
      {notice !== "" && (
        <>
          <p>{notice}</p>
          <IconButton icon={X} label={texts.close} onClick={() => chat.showNotice("")} />
        </>
      )}
    </div>
  );
}
