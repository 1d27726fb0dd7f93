import { type Dispatch, type SetStateAction, useEffect, useState } from "react";
import type { Composing } from "../../chat/core";
import { DRAFTS_KEPT_AS } from "../../chat/writing/drafts";

export interface DraftText {
  readonly content: string;
  readonly setContent: Dispatch<SetStateAction<string>>;
}

/**
 * What is written, kept through a reload. While a message is edited its text stands there, and the draft waits behind it,
 * whatever comes next.
 */
export function useDraft(name: string, composing: Composing | null): DraftText {
  const key = `${DRAFTS_KEPT_AS}${name}`;
  const [content, setContent] = useState(() => localStorage.getItem(key) ?? "");
  useEffect(() => {
    if (composing?.kind !== "edit") return;
    setContent(composing.message.content ?? "");
    return () => setContent(localStorage.getItem(key) ?? "");
  }, [key, composing]);
  useEffect(() => {
    if (composing?.kind === "edit") return;
    if (content === "") localStorage.removeItem(key);
    else localStorage.setItem(key, content);
  }, [key, content, composing]);
  return { content, setContent };
}
