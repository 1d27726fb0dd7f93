import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { useMedia } from "../use_media";
import "./connection_line.css";

/** Where a conversation hides the list (app.css). */
const narrow = matchMedia("(max-width: 700px)");

/** How the connection is, while it is not there. */
export function ConnectionLine() {
  const chat = useChat();
  const connected = useChatState((state) => state.connected);
  const loaded = useChatState((state) => state.loaded);
  if (connected) return null;
  return (
    <p className="connection" role="status">
      {loaded ? texts.reconnecting : texts.connecting}{" "}
      {loaded && (
        <button type="button" className="quiet" onClick={chat.reconnectNow}>
          {texts.tryNow}
        </button>
      )}
    </p>
  );
}

/** The same, in the open conversation, where the list with its line is hidden. */
export function ConnectionLineHere() {
  return useMedia(narrow) && <ConnectionLine />;
}
