import { type RefObject, useLayoutEffect, useState } from "react";

/**
 * Returns whether the text has needed a second line, and so has the width of the composer, with the buttons below. It
 * keeps it until it is empty, because it may fit into one line of that width.
 */
export function useTallField(field: RefObject<HTMLTextAreaElement | null>, content: string): boolean {
  const [isTall, setTall] = useState(false);
  useLayoutEffect(() => {
    const { current } = field;
    if (current === null) return;
    if (content === "") setTall(false);
    else if (linesOf(current) > 1.5) setTall(true);
  }, [field, content]);
  return isTall;
}

function linesOf(field: HTMLTextAreaElement): number {
  const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(field);
  const inside = field.scrollHeight - Number.parseFloat(paddingTop) - Number.parseFloat(paddingBottom);
  return inside / Number.parseFloat(lineHeight);
}
