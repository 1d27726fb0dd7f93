import type { Person, User } from "@talkwire/client";
import type { ConversationsById } from "@talkwire/client/parts";
import { useEffect, useMemo, useState } from "react";
import { nameAndHandle, searchByName, withoutAt } from "../../chat/conversations/name_search";
import { useChat, useChatState } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";

const TYPING_PAUSE_MS = 200;
const NONE: readonly User[] = [];

/** A person with their handle, if they have one. */
export type KnownPerson = Person & Pick<User, "handle">;

export interface FoundPeople {
  readonly people: readonly KnownPerson[];
  /** Whether the server has answered. */
  readonly isComplete: boolean;
  readonly problem: string;
}

/** What the server has found for `wanted`; null: it has not answered yet. */
interface Answer {
  readonly wanted: string | null;
  readonly users: readonly User[];
  readonly problem: string;
}

/**
 * Returns people who share a conversation with the reader, by any word of their names; then others that the server
 * finds.
 */
export function usePeople(wanted: string, limit = 10): FoundPeople {
  const { conversations: list } = useChat();
  const conversations = useChatState((state) => state.conversations);
  const myId = useChatState((state) => state.me.id);
  const [answer, setAnswer] = useState<Answer>({ wanted: null, users: NONE, problem: "" });
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns
  useEffect(() => {
    let current = true;
    const timer = setTimeout(
      () =>
        list.findUsers(withoutAt(wanted), limit).then(
          (users) => current && setAnswer({ wanted, users, problem: "" }),
          (error: Error) => current && setAnswer({ wanted, users: NONE, problem: error.message }),
        ),
      wanted === "" ? 0 : TYPING_PAUSE_MS,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [list, wanted, limit, reconnects]);
  const known = useMemo(() => knownPeople(conversations, myId), [conversations, myId]);
  const isComplete = answer.wanted === wanted;
  const people = useMemo(() => {
    const near = wanted === "" ? known : searchByName(known, nameAndHandle, wanted);
    const ids = new Set(near.map(({ id }) => id));
    return [...near, ...(isComplete ? answer.users : NONE).filter(({ id }) => !ids.has(id))];
  }, [known, wanted, answer, isComplete]);
  return { people, isComplete, problem: isComplete ? answer.problem : "" };
}

/** Returns them sorted by name, without those whose account was deleted. */
function knownPeople(conversations: ConversationsById, myId: string): KnownPerson[] {
  const people = new Map<string, KnownPerson>();
  for (const { members = [] } of Object.values(conversations))
    for (const { userId, name, avatar, handle, erased } of members)
      if (userId !== myId && erased !== true)
        people.set(userId, {
          id: userId,
          name,
          ...(avatar !== undefined && { avatar }),
          ...(handle !== undefined && { handle }),
        });
  return [...people.values()].sort((one, other) => one.name.localeCompare(other.name));
}
