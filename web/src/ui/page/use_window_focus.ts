import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { useChat } from "./chat_context";
import { useLasting } from "./use_lasting";

/** Readers who come back see what is on the screen after so long. What came meanwhile may arrive only now. */
export const SEEN_AFTER_MS = 500;

/** Returns whether the reader looks at the window: it has the focus, not just since a moment ago, and is in use. */
export function useWindowFocus(): boolean {
  const [hasFocus, setHasFocus] = useState(() => document.hasFocus());
  useEffect(() => {
    const read = () => setHasFocus(document.visibilityState === "visible" && document.hasFocus());
    const names = ["focus", "blur", "visibilitychange"] as const;
    for (const name of names) addEventListener(name, read);
    return () => {
      for (const name of names) removeEventListener(name, read);
    };
  }, []);
  const isIdle = useStore(useChat().idle.isIdle);
  return useLasting(hasFocus && !isIdle, SEEN_AFTER_MS);
}
