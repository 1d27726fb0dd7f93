import { texts } from "../../texts";
import { useChatState } from "../page/chat_context";
import "./missing_file.css";

/** Says that a file cannot be loaded. It is loaded again by itself when a lost connection is back. */
export function MissingFile({ text, onRetry }: { text: string; onRetry: () => void }) {
  const connected = useChatState((state) => state.connected);
  return (
    <p className="note">
      {text}{" "}
      {connected && (
        <button type="button" className="missing-again" onClick={onRetry}>
          {texts.retry}
        </button>
      )}
    </p>
  );
}
