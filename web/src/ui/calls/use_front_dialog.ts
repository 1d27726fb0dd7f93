import { useLayoutEffect, useState } from "react";

/** Returns the modal dialog that was opened last. Nothing outside of it can be used meanwhile. */
export function useFrontDialog(): Element | null {
  const [front, setFront] = useState<Element | null>(null);
  useLayoutEffect(() => {
    let known: readonly Element[] = [];
    const look = (): void => {
      const open = [...document.querySelectorAll("dialog:modal")];
      known = [...known.filter((each) => open.includes(each)), ...open.filter((each) => !known.includes(each))];
      setFront(known.at(-1) ?? null);
    };
    look();
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ["open"] });
    return () => observer.disconnect();
  }, []);
  return front;
}
