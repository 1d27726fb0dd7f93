import { texts } from "../../texts";
import "./blocked_message.css";

/** A placeholder for a message of a blocked user. */
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
