import { useEffect, useEffectEvent } from "react";
import { pageLayers } from "./page_layers";

/**
 * Lets the browser's Back button call `close` while something is open in front of the page. `isOfPage`: whether it is
 * a state of the page, which stays when the reader opens something else.
 */
export function useBackCloses(isOpen: boolean, close: () => void, isOfPage = false): void {
  const closed = useEffectEvent(close);
  useEffect(() => (isOpen ? pageLayers().add(() => closed(), isOfPage) : undefined), [isOpen, isOfPage]);
}
