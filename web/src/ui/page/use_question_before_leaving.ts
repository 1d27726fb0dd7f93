import { useEffect, useEffectEvent } from "react";

/**
 * Lets the browser ask, where it can, before the page is left while something would be lost with it. `isLost` is called
 * then, where only that moment shows it.
 */
export function useQuestionBeforeLeaving(mayBeLost: boolean, isLost: () => boolean = () => true): void {
  const ask = useEffectEvent((event: BeforeUnloadEvent) => {
    if (isLost()) event.preventDefault();
  });
  // Some browsers do not keep a page with such a listener for their Back button.
  useEffect(() => {
    if (!mayBeLost) return;
    const asked = (event: BeforeUnloadEvent): void => ask(event);
    addEventListener("beforeunload", asked);
    return () => removeEventListener("beforeunload", asked);
  }, [mayBeLost]);
}
