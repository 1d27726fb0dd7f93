/** The invitation link that the reader has opened: `#invite=CODE`. It outlives a reload, and belongs to one tab. */

import { useEffect, useState } from "react";

const STORAGE_KEY = "talkwire.invitation";

/** Returns the code in an address; null where there is none. */
export function codeIn(hash: string): string | null {
  return /^#invite=([\w-]{1,200})$/.exec(hash)?.[1] ?? null;
}

/** Keeps a code as if its link had been opened in this tab. */
export function keepInvitation(code: string): void {
  sessionStorage.setItem(STORAGE_KEY, code);
}

/** Returns the unused code, and a function that forgets it. */
export function useInvitation(): [string | null, () => void] {
  const [code, setCode] = useState<string | null>(take);
  useEffect(() => {
    const follow = (): void => setCode(take());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const forget = (): void => {
    sessionStorage.removeItem(STORAGE_KEY);
    setCode(null);
  };
  return [code, forget];
}

/** Removes the code from the address bar, where others could read it. */
function take(): string | null {
  const code = codeIn(location.hash);
  if (code !== null) {
    keepInvitation(code);
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(STORAGE_KEY);
}
