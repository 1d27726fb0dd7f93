import { type MouseEvent, type PointerEvent, useRef, useState } from "react";

export interface Point {
  readonly x: number;
  readonly y: number;
}

interface ContextMenu {
  /** Where the menu is; null while it is closed. */
  readonly at: Point | null;
  readonly close: () => void;
  readonly events: {
    readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    readonly onContextMenu: (event: MouseEvent<HTMLElement>) => void;
  };
}

/** What has a menu of the browser's that the reader may need: to copy an address, to save a picture, to paste. */
const WITH_OWN_MENU = "a, img, audio, video, input, textarea, select";
/** Pixels from the start of a message to a menu that the keyboard opens: below the name. */
const FROM_START = 60;

/**
 * A menu that the right button opens at the pointer, and Shift+F10 or the menu key beside the element. Links, media,
 * fields and selected text keep the browser's own menu, and so does a long press.
 */
export function useContextMenu(): ContextMenu {
  const [at, setAt] = useState<Point | null>(null);
  const pressed = useRef({ isTouch: false, hadSelection: false });
  return {
    at,
    close: () => setAt(null),
    events: {
      // Some systems select the word below the pointer before they ask for the menu.
      onPointerDown: ({ pointerType, currentTarget }) => {
        pressed.current = { isTouch: pointerType === "touch", hadSelection: hasSelection(currentTarget) };
      },
      onContextMenu: (event) => {
        const { currentTarget: element, target } = event;
        const isByPointer = event.button === 2 || event.ctrlKey;
        const { isTouch, hadSelection } = pressed.current;
        // A menu that the element has opened is elsewhere in the document.
        if (event.defaultPrevented || !(target instanceof Element) || !element.contains(target)) return;
        if (target.closest(WITH_OWN_MENU) !== null || isTouch || (isByPointer && hadSelection)) return;
        event.preventDefault();
        setAt(isByPointer ? { x: event.clientX, y: event.clientY } : besideOf(element));
      },
    },
  };
}

function hasSelection(element: Element): boolean {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
}

/** Returns a point in the visible part of an element. */
function besideOf(element: Element): Point {
  const { left, top, bottom } = element.getBoundingClientRect();
  const visible = element.parentElement?.closest(".scroller, .panel")?.getBoundingClientRect();
  return { x: left + FROM_START, y: Math.max(Math.min(bottom, visible?.bottom ?? bottom), top, visible?.top ?? top) };
}
