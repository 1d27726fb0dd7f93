import { texts } from "../../texts";
import "./folded.css";

/** In place of what somebody said whom the reader has blocked. */
export function Folded({ onShow }: { onShow: () => void }) {
  return (
    <p className="folded">
      {texts.people.folded}
      <button type="button" className="quiet" onClick={onShow}>
        {texts.people.unfold}
      </button>
    </p>
  );
}
