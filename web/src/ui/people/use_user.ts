import type { User } from "@talkwire/client";
import { useEffect, useState } from "react";
import { useChat, useChatState } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";

/** Returns a user; undefined until they are loaded. */
export function useUser(userId: string): User | undefined {
  const { people } = useChat();
  const me = useChatState((state) => state.me);
  const [user, setUser] = useState<User>();
  const reconnects = useReconnects();
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns
  useEffect(() => {
    let current = true;
    people.get(userId).then(
      (found) => current && setUser(found),
      // A user who is not shown has only a name.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [people, userId, reconnects]);
  return userId === me.id ? me : user;
}
