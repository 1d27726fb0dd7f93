import { texts } from "../../texts";
import "./blocked_message.css";

/** In place of what somebody said whom the reader has blocked. */
export function BlockedMessage({ onShow }: { onShow: () => void }) {
  return (
    <p className="folded">
      {texts.people.folded}
      <button type="button" className="quiet" onClick={onShow}>
        {texts.people.unfold}
      </button>
    </p>
  );
}
