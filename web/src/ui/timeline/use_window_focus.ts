import { useEffect, useState } from "react";

/** Returns whether the reader looks at the window. */
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
  return seen;
}
