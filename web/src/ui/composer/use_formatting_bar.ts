import { useState } from "react";

const STORAGE_KEY = "talkwire.formatting";

/** Whether the formatting toolbar is shown, which the browser remembers. */
export function useFormattingBar(): readonly [isShown: boolean, toggle: () => void] {
  const [isShown, setShown] = useState(() => localStorage.getItem(STORAGE_KEY) !== null);
  const toggle = (): void => {
    setShown(!isShown);
    if (isShown) localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, "shown");
  };
  return [isShown, toggle];
}
