/** Drafts, in localStorage by reader and conversation. */

import type { Composing } from "../page_core";

export const DRAFT_KEY = "talkwire.draft.";
const COMPOSING_KEY = "talkwire.composing.";
const EDIT_KEY = "talkwire.edit.";

export function draftOf(userId: string, conversationId: string): string {
  return localStorage.getItem(`${DRAFT_KEY}${userId}.${conversationId}`) ?? "";
}

/** Returns the message that the reader edits or replies to, as it was when they started. */
export function composingOf(userId: string, conversationId: string): Composing | null {
  try {
    return JSON.parse(localStorage.getItem(`${COMPOSING_KEY}${userId}.${conversationId}`) ?? "null");
  } catch {
    return null;
  }
}

/** Saves the message that the reader edits or replies to; null removes it. */
export function saveComposing(userId: string, conversationId: string, composing: Composing | null): void {
  const key = `${COMPOSING_KEY}${userId}.${conversationId}`;
  localStorage.removeItem(`${EDIT_KEY}${userId}.${conversationId}`);
  if (composing === null) localStorage.removeItem(key);
  else localStorage.setItem(key, JSON.stringify(composing));
}

/** Returns the new text of the edited message; null when nothing was changed yet. */
export function editOf(userId: string, conversationId: string): string | null {
  return localStorage.getItem(`${EDIT_KEY}${userId}.${conversationId}`);
}

export function saveEdit(userId: string, conversationId: string, text: string): void {
  localStorage.setItem(`${EDIT_KEY}${userId}.${conversationId}`, text);
}
