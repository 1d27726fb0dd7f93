/** Which of the reader's conversations are listed. */

import type { Conversation } from "../../server/payloads";
import { found } from "./finding";

export interface Wanted {
  readonly query: string;
  readonly unreadOnly: boolean;
}

/** Those of a name, or with something unread; the open one does not go away while it is read. */
export function listed(
  ordered: readonly Conversation[],
  nameOf: (conversation: Conversation) => string,
  { query, unreadOnly }: Wanted,
  openId: string | null,
): readonly Conversation[] {
  const left = unreadOnly ? ordered.filter(({ id, unreadCount }) => id === openId || unreadCount) : ordered;
  return query.trim() === "" ? left : found(left, nameOf, query);
}
