import { useEffect, useState } from "react";

/** Returns whether a value has been true for so long, or since the component appeared. */
export function useLasting(value: boolean, ms: number): boolean {
  const [lasts, setLasts] = useState(value);
  useEffect(() => {
    if (!value) {
      setLasts(false);
      return;
    }
    const timer = setTimeout(() => setLasts(true), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return value && lasts;
}
