/** Detects that the reader has left groups and channels while this page was closed or disconnected. */

import type { Conversation } from "@talkwire/client";

type ConversationsById = Readonly<Record<string, Conversation>>;

export class KnownGroups {
  #before: ConversationsById = {};
  #since: string | null = null;

  /** Keeps a list that the page has shown, or that an earlier page has saved. `cursor`: of when it was up to date. */
  keep(conversations: ConversationsById, cursor: string | null = null): void {
    this.#before = { ...this.#before, ...conversations };
    this.#since ??= cursor;
  }

  /** The cursor of the first list that was kept; null when it is not known. */
  get since(): string | null {
    return this.#since;
  }

  /** Leaves out a conversation whose end is known. */
  forget(conversationId: string): void {
    const { [conversationId]: _, ...before } = this.#before;
    this.#before = before;
  }

  /**
   * Returns the groups and channels that are missing in the whole list. Each is returned once. Those of the reader's teams
   * are left out: they are in the list only while the reader has to do with them.
   */
  missingIn(conversations: ConversationsById): Conversation[] {
    const before = this.#before;
    this.#before = {};
    this.#since = null;
    return Object.values(before).filter(
      (each) => each.kind !== "direct" && !isOfOwnTeam(each) && !Object.hasOwn(conversations, each.id),
    );
  }
}

/** Only members of a conversation's teams see since when somebody waits, and only they have conversations beside their list. */
const isOfOwnTeam = ({ waitingSince, listed }: Conversation): boolean => waitingSince !== undefined || listed === false;
