import { useEffect, useState } from "react";
import type { User } from "../../server/payloads";
import { useChat, useChatState } from "../chat_context";

/** Somebody as they are now, and until that is known as far as their conversations say. */
export function useUser(userId: string): User | undefined {
  const { people } = useChat();
  const me = useChatState((state) => state.me);
  const [user, setUser] = useState<User>();
  useEffect(() => {
    let current = true;
    people.get(userId).then(
      (found) => current && setUser(found),
      // Whoever is not shown has a name and nothing else.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [people, userId]);
  return userId === me.id ? me : user;
}
