import type { Ref } from "react";
import { isFolded } from "../../chat/people/folded";
import { texts } from "../../texts";
import { useChatState } from "../page/chat_context";
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

/** Returns whether what a user says in a conversation is hidden, because the reader has blocked them. */
export function useIsFolded(conversationId: string, userId: string | undefined): boolean {
  return useChatState((state) => userId !== undefined && isFolded(state, conversationId, userId));
}
