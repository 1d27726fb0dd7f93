import { useCallback, useEffect, useLayoutEffect, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Row } from "../../chat/messages/rows";
import { useChatState } from "../page/chat_context";

interface Hold {
  /** Whether the list stays where it was when the connection was lost. */
  readonly isHeld: boolean;
  /** Whether messages that were missed have come below. */
  readonly hasMissed: boolean;
  /** Whether all that was missed has come, so that the hold can end. */
  readonly isOver: boolean;
  /** Ends the hold. Returns the index of the first row that was missed; -1 for none. */
  readonly release: () => number;
}

/**
 * Holds a list that shows the end of its conversation from the loss of the connection until what was missed has come:
 * nobody has seen that, and the list does not run over it. `atEnd`: whether the end was in sight when that was last known.
 */
export function useHold(rows: readonly Row[], atEnd: boolean | null): Hold {
  const caughtUp = useChatState((state) => state.caughtUp);
  const [heldAt, setHeldAt] = useState<number | null>(null);
  const endSeq = rows.at(-1)?.message.seq ?? 0;
  const isHeld = heldAt !== null;
  const starts = !caughtUp && atEnd === true && !isHeld;
  useLayoutEffect(() => {
    if (starts) setHeldAt(endSeq);
  }, [starts, endSeq]);
  const hasMissed = isHeld && endSeq > heldAt;
  // Where everything is loaded again, there are no rows for a while.
  const missesNothing = isHeld && caughtUp && rows.length > 0 && !hasMissed;
  useEffect(() => {
    if (missesNothing) setHeldAt(null);
  }, [missesNothing]);
  const release = useCallback(() => {
    setHeldAt(null);
    return rows.findIndex(({ message }) => message.seq > (heldAt ?? endSeq));
  }, [rows, heldAt, endSeq]);
  return { isHeld, hasMissed, isOver: hasMissed && caughtUp, release };
}

/** Returns whether all from a row on fits the screen, where the row is near or on it. */
export function fitsScreen(list: VirtualizerHandle, index: number): boolean {
  const { scrollOffset, scrollSize, viewportSize } = list;
  const top = list.getItemOffset(index);
  return top >= scrollOffset && top < scrollOffset + viewportSize + NEARBY && scrollSize - top <= viewportSize;
}

/** Pixels below the screen. */
const NEARBY = 120;
