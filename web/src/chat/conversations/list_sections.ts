/** The sections of the list of conversations: favourites first, then the reader's own, and the archived ones by themselves. */

import type { Conversation } from "@talkwire/client";
import { locale } from "../../languages/locale";

/** A section that the reader has named. */
export interface Section {
  readonly name: string;
  readonly conversations: readonly Conversation[];
}

export interface ListSections {
  readonly favourites: readonly Conversation[];
  /** In the alphabetical order of the reader's language. */
  readonly sections: readonly Section[];
  readonly others: readonly Conversation[];
  readonly archived: readonly Conversation[];
}

/** Divides conversations, and keeps their order. An archived one is in the archive until it returns. */
export function sectionsOf(ordered: readonly Conversation[]): ListSections {
  const favourites: Conversation[] = [];
  const others: Conversation[] = [];
  const archived: Conversation[] = [];
  const named = new Map<string, Conversation[]>();
  for (const conversation of ordered) {
    const { section } = conversation;
    if (conversation.archived) archived.push(conversation);
    else if (conversation.favourite) favourites.push(conversation);
    else if (!section) others.push(conversation);
    else {
      const known = named.get(section);
      if (known === undefined) named.set(section, [conversation]);
      else known.push(conversation);
    }
  }
  const sections = sorted(named.keys()).map((name) => ({ name, conversations: named.get(name) ?? [] }));
  return { favourites, sections, others, archived };
}

/** Returns the names of all sections, also of those whose conversations are favourites or archived. */
export function sectionNames(conversations: readonly Conversation[]): string[] {
  return sorted(new Set(conversations.flatMap(({ section }) => section ?? [])));
}

function sorted(names: Iterable<string>): string[] {
  return [...names].sort(new Intl.Collator(locale()).compare);
}
