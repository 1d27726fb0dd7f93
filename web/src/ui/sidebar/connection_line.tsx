import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { useMedia } from "../use_media";
import "./connection_line.css";

/** The width below which a conversation covers the list (app.css). */
const narrow = matchMedia("(max-width: 700px)");

/** The state of the connection, while it is lost. */
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

/** The same in the open conversation, when the list is covered. */
export function ConnectionLineHere() {
  return useMedia(narrow) && <ConnectionLine />;
}
