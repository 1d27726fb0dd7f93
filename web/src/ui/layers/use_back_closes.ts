import { useEffect, useEffectEvent } from "react";
import { pageLayers } from "./page_layers";

/** Lets the browser's Back button call `close` while something is open in front of the page. */
export function useBackCloses(isOpen: boolean, close: () => void): void {
  const closed = useEffectEvent(close);
  useEffect(() => (isOpen ? pageLayers().add(() => closed()) : undefined), [isOpen]);
}
