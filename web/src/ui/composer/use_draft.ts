import { useEffect, useLayoutEffect, useState } from "react";
import type { Composing } from "../../chat/page_core";
import type { Drafts } from "../../chat/writing/drafts";

export interface DraftText {
  readonly content: string;
  readonly setContent: (content: string) => void;
}

/**
 * The text in the composer, which outlives a reload. Editing a message replaces it, and the draft returns afterwards.
 * `place`: the conversation or thread.
 */
export function useDraft(drafts: Drafts, place: string, composing: Composing | null): DraftText {
  const [content, setContent] = useState(() => drafts.open(place));
  const edited = composing?.kind === "edit" ? composing : null;
  // A layout effect, so that the next place changes this text and not the draft.
  useLayoutEffect(() => {
    if (edited === null) return;
    setContent(drafts.editOf(edited.message) ?? edited.message.content ?? "");
    return () => setContent(drafts.current(place));
  }, [drafts, place, edited]);
  useEffect(
    () => drafts.follow(place, () => edited === null && setContent(drafts.current(place))),
    [drafts, place, edited],
  );
  return {
    content,
    setContent: (text) => {
      setContent(text);
      if (edited === null) drafts.save(place, text);
      else drafts.saveComposing(edited.message.conversationId, { ...edited, text });
    },
  };
}
