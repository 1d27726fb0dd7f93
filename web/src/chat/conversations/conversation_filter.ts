/** Filters the list of conversations. */

import type { Conversation } from "@talkwire/client";
import { searchByName } from "./name_search";

export interface ConversationFilter {
  readonly query: string;
  readonly unreadOnly: boolean;
}

/** Returns the conversations that match the name, or that are unread. The open conversation stays while it is read. */
export function filterConversations(
  ordered: readonly Conversation[],
  nameOf: (conversation: Conversation) => string,
  { query, unreadOnly }: ConversationFilter,
  openId: string | null,
): readonly Conversation[] {
  const left = unreadOnly
    ? ordered.filter(({ id, unreadCount, unreadOfferCount }) => id === openId || unreadCount || unreadOfferCount)
    : ordered;
  return query.trim() === "" ? left : searchByName(left, nameOf, query);
}
