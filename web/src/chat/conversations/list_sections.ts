/** The sections of the list of conversations: favourites first, and the archived ones by themselves. */

import type { Conversation } from "@talkwire/client";

export interface ListSections {
  readonly favourites: readonly Conversation[];
  readonly others: readonly Conversation[];
  readonly archived: readonly Conversation[];
}

/** Divides conversations, and keeps their order. An archived favourite is in the archive until it returns. */
export function sectionsOf(ordered: readonly Conversation[]): ListSections {
  return {
    favourites: ordered.filter(({ favourite, archived }) => favourite && !archived),
    others: ordered.filter(({ favourite, archived }) => !favourite && !archived),
    archived: ordered.filter(({ archived }) => archived),
  };
}
