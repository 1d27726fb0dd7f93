/** Which conversation is the next one, for who moves through them with keys. */

import type { Conversation } from "../../server/payloads";

/** The one that many steps from the open one, in the order of the list; of those with something unread where that is wanted. */
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
  // Unread ones are sought on from the other end; the list itself ends where it ends.
  const next = unreadOnly ? wanted.at((at + step) % wanted.length) : wanted[at + step];
  return next?.id === openId ? undefined : next;
}
