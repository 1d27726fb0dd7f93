import { useEffect, useEffectEvent } from "react";
import { byTouch } from "../keyboard/focus";
import type { LayerOptions } from "./layers";
import { pageLayers } from "./page_layers";
import { isNarrow } from "./use_media";

/** Whether Back also closes what is small, such as a menu: a phone has no other key for that, also on its side. */
export const backClosesPopups = (): boolean => byTouch || isNarrow();

/** Lets the browser's Back button call `close` while something is open in front of the page. */
export function useBackCloses(isOpen: boolean, close: () => void, options: LayerOptions = {}): void {
  const { isOfPage = false } = options;
  const closed = useEffectEvent(close);
  const isKept = useEffectEvent(() => options.isKept?.() === true);
  useEffect(() => {
    if (isOpen) return pageLayers().add(() => closed(), { isOfPage, isKept: () => isKept() });
  }, [isOpen, isOfPage]);
}
