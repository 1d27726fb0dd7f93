import { useSyncExternalStore } from "react";
import { useCompact } from "../../embedding/appearance";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { narrow, useMedia } from "../page/use_media";
import "./connection_line.css";

/** The state of the connection, while it is lost. */
export function ConnectionLine() {
  const chat = useChat();
  const connected = useChatState((state) => state.connected);
  const loaded = useChatState((state) => state.loaded);
  const hasNetwork = useSyncExternalStore(followNetwork, () => navigator.onLine);
  const isNarrow = useMedia(narrow);
  if (connected) return null;
  return (
    <p className="connection" role="status">
      {loaded ? (isNarrow ? texts.narrow : texts)[hasNetwork ? "reconnecting" : "offline"] : texts.connecting}{" "}
      {loaded && (
        <button type="button" className="quiet" onClick={chat.reconnectNow}>
          {texts.tryNow}
        </button>
      )}
    </p>
  );
}

function followNetwork(changed: () => void): () => void {
  addEventListener("online", changed);
  addEventListener("offline", changed);
  return () => {
    removeEventListener("online", changed);
    removeEventListener("offline", changed);
  };
}

/** The same in the open conversation, when the list is covered or left out. */
export function ConnectionLineHere() {
  const isNarrow = useMedia(narrow);
  const isCompact = useCompact();
  return (isNarrow || isCompact) && <ConnectionLine />;
}
