/** Finds the next conversation for keyboard navigation. */

import type { Conversation } from "../../server/payloads";

/** Returns the conversation after or before the open one in the list; with `unreadOnly`, the next unread one. */
export function nextConversation(
  ordered: readonly Conversation[],
  openId: string | null,
  step: 1 | -1,
  unreadOnly = false,
): Conversation | undefined {
  const wanted = ordered.filter(
    ({ id, unreadCount = 0, muted }) => !unreadOnly || id === openId || (unreadCount > 0 && !muted),
  );
  const at = wanted.findIndex(({ id }) => id === openId);
  if (at === -1) return step === 1 ? wanted[0] : wanted.at(-1);
  // The unread conversations are cyclic; the whole list is not.
  const next = unreadOnly ? wanted.at((at + step) % wanted.length) : wanted[at + step];
  return next?.id === openId ? undefined : next;
}
