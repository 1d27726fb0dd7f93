import type { Conversation, User } from "@talkwire/client";
import { useEffect, useRef, useState } from "react";
import { useApi } from "../admin_context";

/**
 * Returns the names of the users and conversations at these paths, such as `users/7`, as they become known. Each is asked
 * for once, one after the other, since a list may have many. What cannot be read, or has no name, has none here.
 */
export function useNames(paths: readonly string[]): ReadonlyMap<string, string> {
  const api = useApi();
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const asked = useRef(new Set<string>());
  const wanted = [...new Set(paths)].join("\n");
  useEffect(() => {
    const ask = async (): Promise<void> => {
      for (const path of wanted.split("\n")) {
        if (path === "" || asked.current.has(path)) continue;
        asked.current.add(path);
        const name = await api.get<User | Conversation>(path).then(nameOf, () => "");
        if (name !== "") setNames((before) => new Map(before).set(path, name));
      }
    };
    void ask();
  }, [api, wanted]);
  return names;
}

export const pathOfUser = (id: string): string => `users/${encodeURIComponent(id)}`;

export const pathOfConversation = (id: string): string => `conversations/${encodeURIComponent(id)}`;

/** Returns the name of a user or a conversation, or nothing; that of a direct conversation is the names of its members. */
export function nameOf(found: User | Conversation): string {
  if (!("kind" in found) || found.kind !== "direct") return found.name ?? "";
  return (found.members ?? [])
    .map(({ name }) => name)
    .toSorted()
    .join(", ");
}
