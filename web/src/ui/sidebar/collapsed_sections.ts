import { useCallback, useState } from "react";
import { useChatState } from "../page/chat_context";

const keyOf = (userId: string): string => `talkwire.collapsed.${userId}`;

function read(userId: string): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(localStorage.getItem(keyOf(userId)) ?? "[]"));
  } catch {
    return new Set();
  }
}

/** Returns the names of the sections that are collapsed in this browser, and a function that collapses or expands one. */
export function useCollapsedSections(): readonly [ReadonlySet<string>, (name: string) => void] {
  const myId = useChatState((state) => state.me.id);
  const [collapsed, setCollapsed] = useState(() => read(myId));
  // The same function in each render, because the rows of the list depend on it.
  const toggle = useCallback(
    (name: string): void => {
      const changed = new Set(read(myId));
      if (!changed.delete(name)) changed.add(name);
      localStorage.setItem(keyOf(myId), JSON.stringify([...changed]));
      setCollapsed(changed);
    },
    [myId],
  );
  return [collapsed, toggle];
}
