import { useEffect, useLayoutEffect, useState } from "react";
import type { Composing } from "../../chat/page_core";
import { DRAFT_KEY, editOf, saveEdit } from "../../chat/writing/drafts";

export interface DraftText {
  readonly content: string;
  readonly setContent: (content: string) => void;
}

/**
 * The text in the composer, which outlives a reload. Editing a message replaces it, and the draft returns afterwards.
 * `name`: the key of the conversation or thread.
 */
export function useDraft(userId: string, id: string, name: string, composing: Composing | null): DraftText {
  const key = `${DRAFT_KEY}${userId}.${name}`;
  const [content, setContent] = useState(() => localStorage.getItem(key) ?? "");
  const isEditing = composing?.kind === "edit";
  // A layout effect, so that the next key changes this text and not the draft.
  useLayoutEffect(() => {
    if (composing?.kind !== "edit") return;
    setContent(editOf(userId, id) ?? composing.message.content ?? "");
    return () => setContent(localStorage.getItem(key) ?? "");
  }, [userId, id, key, composing]);
  useEffect(() => {
    if (isEditing) return;
    if (content === "") localStorage.removeItem(key);
    else localStorage.setItem(key, content);
  }, [key, content, isEditing]);
  return {
    content,
    setContent: (text) => {
      setContent(text);
      if (isEditing) saveEdit(userId, id, text);
    },
  };
}
