import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import { isOffer } from "../../chat/messages/extras";
import type { Extra, Row } from "../../chat/messages/rows";
import { isTyping, onMac } from "../keyboard/focus";
import { isLedByKeys } from "../keyboard/lead";
import { keysOf, shortcutOf } from "../keyboard/shortcuts";
import { whenFocused } from "./use_target_highlight";

/** A message or an offer. */
const STOP = "[data-id]";
const MESSAGE = ".message";

interface MessageFocus {
  /** Indexes of rows that stay in the document out of sight: the focused one. */
  readonly keptRows: readonly number[];
  readonly onWheel: () => void;
  readonly onPointerDown: () => void;
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  readonly onFocus: (event: FocusEvent<HTMLElement>) => void;
  readonly onBlur: (event: FocusEvent<HTMLElement>) => void;
}

/** Moves the focus between messages and the offers among them, and keeps it when rows are added or removed. */
export function useMessageFocus(
  list: RefObject<VirtualizerHandle | null>,
  scroller: RefObject<HTMLElement | null>,
  rows: readonly Row[],
): MessageFocus {
  const [focused, setFocused] = useState<string | null>(null);
  const wanted = useRef(false);
  const inside = useRef(false);
  /** Whether the list may still be on its way to the focused message. Otherwise the reader has scrolled since. */
  const isLed = useRef(false);
  const index = useMemo(() => rows.findIndex((row) => focused !== null && isIn(row, focused)), [rows, focused]);
  const keptRows = useMemo(() => (index === -1 ? [] : [index]), [index]);

  useLayoutEffect(() => {
    if (!wanted.current || focused === null) return;
    wanted.current = false;
    const element = elementOf(focused, scroller.current);
    // An offer is a part of its row, to which the list has scrolled.
    return whenFocused(element, () => {
      if (!element?.matches(MESSAGE)) element?.scrollIntoView({ block: "nearest" });
    });
  }, [scroller, focused]);
  // When the focused row is removed, the list gets the focus instead of the page.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs whenever the rows change
  useLayoutEffect(() => {
    if (inside.current && document.activeElement === document.body) scroller.current?.focus({ preventScroll: true });
  }, [scroller, rows]);

  const move = (step: 1 | -1): void => {
    const handle = list.current;
    if (handle === null) return;
    const seen = inSight(scroller.current);
    const isInList = document.activeElement === scroller.current;
    // Into the list: to the last focused message, or the lowest one in sight. After scrolling: to the nearest in sight.
    const isSeen = focused !== null && seen.includes(focused);
    const start = isSeen ? focused : seen.at(step === 1 && !isInList ? 0 : -1);
    const stops = rows.flatMap(stopsOf);
    const isAway = !isSeen && !isLed.current;
    const from = isInList || index === -1 || isAway ? stops.indexOf(start ?? "") : stops.indexOf(focused ?? "") + step;
    isLed.current = true;
    const id = stops[clamp(from, stops.length)];
    if (id === undefined) return;
    handle.scrollToIndex(
      rows.findIndex((row) => isIn(row, id)),
      { align: "nearest" },
    );
    if (id === focused) {
      elementOf(id, scroller.current)?.focus({ preventScroll: true });
    } else {
      wanted.current = true;
      setFocused(id);
    }
  };
  /** The reader may scroll by this. */
  const stray = (): void => {
    isLed.current = false;
  };
  return {
    keptRows,
    onWheel: stray,
    onPointerDown: stray,
    onKeyDown: (event) => {
      if (event.defaultPrevented || !event.currentTarget.contains(event.target as Node) || isTyping(event.target))
        return;
      const keys = keysOf(event, onMac);
      if (keys.length === 1 && !isLedByKeys()) return;
      const name = shortcutOf(keys);
      if (name !== "older" && name !== "newer") {
        stray();
        return;
      }
      event.preventDefault();
      move(name === "newer" ? 1 : -1);
    },
    onFocus: ({ target }) => {
      inside.current = true;
      const id = target.closest<HTMLElement>(STOP)?.dataset.id;
      if (id !== undefined) setFocused(id);
    },
    onBlur: ({ relatedTarget, currentTarget }) => {
      if (relatedTarget !== null && !currentTarget.contains(relatedTarget)) inside.current = false;
    },
  };
}

/** Returns the ids of a row's message and offers, from the top. */
const stopsOf = (row: Row): string[] => [...offersOf(row.extrasBefore), row.message.id, ...offersOf(row.extrasAfter)];

const offersOf = (extras: readonly Extra[] = []): string[] => extras.filter(isOffer).map(({ id }) => id);

const isIn = ({ message, extrasBefore = [], extrasAfter = [] }: Row, id: string): boolean =>
  [message, ...extrasBefore, ...extrasAfter].some((each) => each.id === id);

/** Returns the ids of the messages and offers in sight, from the top. */
function inSight(scroller: HTMLElement | null): string[] {
  const frame = scroller?.getBoundingClientRect();
  if (scroller === null || frame === undefined) return [];
  const seen = [...scroller.querySelectorAll<HTMLElement>(STOP)].filter((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > frame.top && top < frame.bottom;
  });
  return seen.map(({ dataset }) => dataset.id ?? "");
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1));
}

function elementOf(id: string, within: HTMLElement | null): HTMLElement | null | undefined {
  return within?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
}
