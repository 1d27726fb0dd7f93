/** Finds the next conversation for keyboard navigation. */

import type { Conversation } from "@talkwire/client";
import { sectionsOf } from "./list_sections";

/**
 * Returns the conversation after or before the open one in the list, which has the favourites and the sections first and no
 * archived ones; with `unreadOnly`, the next unread one.
 */
export function nextConversation(
  ordered: readonly Conversation[],
  openId: string | null,
  step: 1 | -1,
  unreadOnly = false,
): Conversation | undefined {
  const { favourites, sections, others, archived } = sectionsOf(ordered);
  const named = sections.flatMap(({ conversations }) => conversations);
  const inList = [...favourites, ...named, ...others, ...archived.filter(({ id }) => id === openId)];
  const wanted = inList.filter(
    ({ id, unreadCount = 0, muted }) => !unreadOnly || id === openId || (unreadCount > 0 && !muted),
  );
  const at = wanted.findIndex(({ id }) => id === openId);
  if (at === -1) return step === 1 ? wanted[0] : wanted.at(-1);
  // The unread conversations are cyclic; the whole list is not.
  const next = unreadOnly ? wanted.at((at + step) % wanted.length) : wanted[at + step];
  return next?.id === openId ? undefined : next;
}
