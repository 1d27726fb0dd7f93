import { X } from "lucide-react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { IconButton } from "./icon_button";
import "./notice.css";

/** Why the last thing that the reader did was refused, or what became of what was open: over whatever they look at. */
export function Notice() {
  const chat = useChat();
  const notice = useChatState((state) => state.notice);
  return (
    <div className="notice" role="alert">
      {notice !== "" && (
        <>
          <p>{notice}</p>
          <IconButton icon={X} label={texts.close} onClick={() => chat.warn("")} />
        </>
      )}
    </div>
  );
}
