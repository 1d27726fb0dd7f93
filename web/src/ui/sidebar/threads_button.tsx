import { MessagesSquare } from "lucide-react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";

/** Opens the list of followed threads, and shows how many have unread replies. */
export function ThreadsButton() {
  const chat = useChat();
  const unread = useStore(chat.followedThreads.state, (state) => state.unread);
  return (
    <button
      type="button"
      className={unread > 0 ? "side-button reach unread" : "side-button reach"}
      aria-haspopup="dialog"
      onClick={() => chat.openOverlay("threads")}
    >
      <MessagesSquare className="icon" aria-hidden="true" />
      <span>{texts.threads.title}</span>
      {unread > 0 && (
        <span className="count">
          <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
          <span className="hidden">{texts.threads.unread(unread)}</span>
        </span>
      )}
    </button>
  );
}
