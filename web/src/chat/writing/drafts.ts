/** What is written and not sent: kept in the browser, by reader and conversation. */

import type { Composing } from "../core";

export const DRAFT_KEY = "talkwire.draft.";
const COMPOSING_KEY = "talkwire.composing.";
const EDIT_KEY = "talkwire.edit.";

export function draftOf(userId: string, conversationId: string): string {
  return localStorage.getItem(`${DRAFT_KEY}${userId}.${conversationId}`) ?? "";
}

/** The message that the reader edits or answers in a conversation, as it was when they began. */
export function composingOf(userId: string, conversationId: string): Composing | null {
  try {
    return JSON.parse(localStorage.getItem(`${COMPOSING_KEY}${userId}.${conversationId}`) ?? "null");
  } catch {
    return null;
  }
}

/** Keeps it, without a text; null: neither edits nor answers any more. */
export function saveComposing(userId: string, conversationId: string, composing: Composing | null): void {
  const key = `${COMPOSING_KEY}${userId}.${conversationId}`;
  localStorage.removeItem(`${EDIT_KEY}${userId}.${conversationId}`);
  if (composing === null) localStorage.removeItem(key);
  else localStorage.setItem(key, JSON.stringify(composing));
}

/** The other text for the message that is edited, as far as it is written; null where nothing was changed yet. */
export function editOf(userId: string, conversationId: string): string | null {
  return localStorage.getItem(`${EDIT_KEY}${userId}.${conversationId}`);
}

export function saveEdit(userId: string, conversationId: string, text: string): void {
  localStorage.setItem(`${EDIT_KEY}${userId}.${conversationId}`, text);
}
