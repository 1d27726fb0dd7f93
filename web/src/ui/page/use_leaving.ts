import { type RefObject, useEffectEvent, useLayoutEffect } from "react";
import { stillness } from "./use_media";

/** A copy of more elements takes longer than it is worth. */
const ELEMENTS_MAX = 2_000;

/**
 * Lets an element fade when its component is removed. What fades is a copy, which nothing can press, focus or read out
 * (`.leaving` in base.css): the element itself is gone at once, with the keys and clicks that it took. `moveCopy` may add
 * animations to it.
 */
export function useLeaving(
  element: RefObject<HTMLElement | null>,
  moveCopy: (copy: HTMLElement) => void = () => undefined,
): void {
  const onCopied = useEffectEvent(moveCopy);
  useLayoutEffect(() => {
    return () => {
      // A popup is not in its place yet when its component appears.
      const shown = element.current;
      if (shown?.checkVisibility() === true && !stillness.matches) leave(shown, onCopied);
    };
  }, [element]);
}

function leave(element: HTMLElement, onCopied: (copy: HTMLElement) => void): void {
  const parts = [element, ...element.querySelectorAll("*")];
  if (parts.length > ELEMENTS_MAX) return;
  const copy = copyOf(element);
  const copies = [copy, ...copy.querySelectorAll("*")];
  for (const part of copies) strip(part);
  const front = document.createElement("div");
  front.className = element.matches("dialog") ? "leaving modal" : "leaving";
  front.popover = "manual";
  front.inert = true;
  front.append(copy);
  const scrolled = parts.map(({ scrollTop }) => scrollTop);
  document.body.append(front);
  front.showPopover();
  for (const [index, top] of scrolled.entries()) if (top > 0) copies[index]?.scrollTo({ top, behavior: "instant" });
  onCopied(copy);
  const running = front.getAnimations({ subtree: true }).map(({ finished }) => finished);
  void Promise.allSettled(running).then(() => front.remove());
}

/** Returns a copy in the place of an element, wherever it is put. */
function copyOf(element: HTMLElement): HTMLElement {
  const { left, top, width, height } = element.getBoundingClientRect();
  const copy = element.cloneNode(true) as HTMLElement;
  copy.removeAttribute("role");
  const place = { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`, translate: "none" };
  Object.assign(copy.style, place);
  return copy;
}

/** Removes what others find the original by, and what would load or play once more. */
function strip(part: Element): void {
  for (const name of ["id", "data-id", "autofocus"]) part.removeAttribute(name);
  if (part.matches("audio, video, iframe")) part.removeAttribute("src");
}
