/** The invitation link that the reader has opened: `#invite=CODE`. It outlives a reload, and belongs to one tab. */

import { useEffect, useState } from "react";
import type { AddressWord } from "../../address_words";

const STORAGE_KEY = "talkwire.invitation";

const codeIn = (word: AddressWord | null): string | null =>
  word !== null && "invitation" in word ? word.invitation : null;

/** Returns the unused code, which `word` may just have brought, and a function that forgets it. */
export function useInvitation(word: AddressWord | null): [string | null, () => void] {
  const [code, setCode] = useState(() => codeIn(word) ?? sessionStorage.getItem(STORAGE_KEY));
  useEffect(() => {
    const opened = codeIn(word);
    if (opened === null) return;
    sessionStorage.setItem(STORAGE_KEY, opened);
    setCode(opened);
  }, [word]);
  const forget = (): void => {
    sessionStorage.removeItem(STORAGE_KEY);
    setCode(null);
  };
  return [code, forget];
}
