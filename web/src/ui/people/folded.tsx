import type { Ref } from "react";
import { texts } from "../../texts";
import "./folded.css";

interface Props {
  /** What is hidden. */
  text: string;
  ref?: Ref<HTMLParagraphElement>;
  onShow: () => void;
}

/** A placeholder for a message or an offer of a blocked user. */
export function Folded({ text, ref, onShow }: Props) {
  return (
    <p className="folded" ref={ref}>
      {text}
      <button type="button" className="quiet" onClick={onShow}>
        {texts.people.unfold}
      </button>
    </p>
  );
}
