import type { RequestError } from "@talkwire/client";
import { useEffect, useState } from "react";
import { useChat } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";

/** By the list of people that was asked. A message that is scrolled out of sight and back asks again. */
const names = new WeakMap<object, Map<string, Promise<string | undefined>>>();

/**
 * Returns the name of a user whom the server may not show to the reader; undefined then, and until it has answered.
 * Without an id, nothing is asked.
 */
export function useStrangersName(userId: string | undefined): string | undefined {
  const { people } = useChat();
  const [name, setName] = useState<string>();
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks again when the connection returns
  useEffect(() => {
    if (userId === undefined) return;
    let isCurrent = true;
    const known = names.get(people) ?? new Map<string, Promise<string | undefined>>();
    names.set(people, known);
    const answer =
      known.get(userId) ??
      people.get(userId).then(
        ({ name: found }) => found,
        (error: RequestError) => {
          if (error.isTransient) known.delete(userId);
          return undefined;
        },
      );
    known.set(userId, answer);
    void answer.then((found) => isCurrent && setName(found));
    return () => {
      isCurrent = false;
    };
  }, [people, userId, reconnects]);
  return userId === undefined ? undefined : name;
}
