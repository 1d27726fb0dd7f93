import { type FocusEvent, type PointerEvent, useState } from "react";

interface HoverOrFocus {
  readonly isActive: boolean;
  readonly isFocused: boolean;
  readonly events: {
    readonly onPointerEnter: (event: PointerEvent) => void;
    readonly onPointerLeave: () => void;
    readonly onFocus: () => void;
    readonly onBlur: (event: FocusEvent) => void;
  };
}

/** Returns whether the pointer or the focus is in an element, including a menu that it has opened. */
export function useHoverOrFocus(): HoverOrFocus {
  const [isPointed, setPointed] = useState(false);
  const [isFocused, setFocused] = useState(false);
  return {
    isActive: isPointed || isFocused,
    isFocused,
    events: {
      // A finger leads elsewhere: a long press opens the actions.
      onPointerEnter: ({ pointerType }) => setPointed(pointerType !== "touch"),
      onPointerLeave: () => setPointed(false),
      onFocus: () => setFocused(true),
      onBlur: ({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget)) setFocused(false);
      },
    },
  };
}
