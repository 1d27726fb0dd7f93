import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { useChat } from "./chat_context";

/** Returns whether the reader looks at the window, and is not idle. */
export function useWindowFocus(): boolean {
  const [seen, setSeen] = useState(() => document.hasFocus());
  useEffect(() => {
    const read = () => setSeen(document.visibilityState === "visible" && document.hasFocus());
    const names = ["focus", "blur", "visibilitychange"] as const;
    for (const name of names) addEventListener(name, read);
    return () => {
      for (const name of names) removeEventListener(name, read);
    };
  }, []);
  const isIdle = useStore(useChat().idle.isIdle);
  return seen && !isIdle;
}
