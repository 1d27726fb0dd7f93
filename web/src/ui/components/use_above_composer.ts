import { type RefObject, useLayoutEffect } from "react";

/** Sets how far the top of the message field is above the lower edge of the window, however tall the field gets. */
export function useAboveComposer(element: RefObject<HTMLElement | null>, isShown: boolean): void {
  useLayoutEffect(() => {
    if (!isShown) return;
    let known: Element | undefined;
    const place = (): void => {
      const composer = shownComposer();
      if (composer !== undefined && composer !== known) observer.observe(composer);
      known = composer;
      const { clientHeight } = document.documentElement;
      const height = composer === undefined ? 0 : clientHeight - composer.getBoundingClientRect().top;
      element.current?.style.setProperty("--composer-height", `${height}px`);
    };
    // A message field that is closed has no size, so that its end is noticed too.
    const observer = new ResizeObserver(place);
    observer.observe(document.documentElement);
    place();
    return () => observer.disconnect();
  }, [element, isShown]);
}

/** Returns the message field on the screen, or what stands in its place: that of a panel that covers the conversation. */
function shownComposer(): Element | undefined {
  const all = [...document.querySelectorAll(".composer, .read-only")];
  return all.findLast((each) => each.getClientRects().length > 0);
}
