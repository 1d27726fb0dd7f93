import type { Conversation } from "@talkwire/client";
import { type RefObject, useLayoutEffect, useRef } from "react";
import type { VirtualizerHandle } from "virtua";
import { stillness } from "../page/use_media";

const GLIDE_MS = 140;

/** Rows by the ids of their conversations; undefined for a row of something else. */
type Ids = readonly (Conversation["id"] | undefined)[];

/**
 * Lets the rows that are in sight glide to their new places when the order of a virtual list has changed. Their places are
 * those that the list has computed, so nothing is measured. Changes that follow each other faster are shown at once.
 *
 * Only `.conversation-row` moves, within a link that is in its new place from the start and gets the clicks there.
 */
export function useGlidingRows(
  list: RefObject<HTMLElement | null>,
  rows: RefObject<VirtualizerHandle | null>,
  ids: Ids,
): void {
  const before = useRef(ids);
  const changedAt = useRef(0);
  const gliding = useRef<readonly Animation[]>([]);
  useLayoutEffect(() => {
    const was = before.current;
    before.current = ids;
    if (was.length === ids.length && ids.every((id, index) => id === was[index])) return;
    const now = performance.now();
    const isRest = now - changedAt.current > GLIDE_MS;
    changedAt.current = now;
    for (const animation of gliding.current) animation.cancel();
    gliding.current = [];
    if (isRest && !stillness.matches && list.current !== null && rows.current !== null)
      gliding.current = glide(list.current, rows.current, placesOf(was), placesOf(ids));
  }, [list, rows, ids]);
}

type Places = ReadonlyMap<Ids[number], number>;

function placesOf(ids: Ids): Places {
  const places = new Map(ids.map((id, index) => [id, index]));
  places.delete(undefined);
  return places;
}

function glide(list: HTMLElement, rows: VirtualizerHandle, before: Places, after: Places): Animation[] {
  if (!isReordered(before, after)) return [];
  const { scrollOffset, viewportSize } = rows;
  return [...list.querySelectorAll<HTMLElement>(".conversation-row")].flatMap((row) => {
    const [from, to] = [before, after].map((places) => places.get(row.dataset.conversation));
    if (from === undefined || to === undefined) return [];
    const start = rows.getItemOffset(from);
    const by = start - rows.getItemOffset(to);
    const wasInSight = start + rows.getItemSize(from) > scrollOffset && start < scrollOffset + viewportSize;
    return by === 0 || !wasInSight ? [] : move(row, by);
  });
}

/** Whether two rows have changed their places with each other: rows that come and go move nothing. */
function isReordered(before: Places, after: Places): boolean {
  let last = -1;
  for (const id of after.keys()) {
    const place = before.get(id) ?? last;
    if (place < last) return true;
    last = place;
  }
  return false;
}

/** What moves up is in front of the others. The list contains each of its items, so that a row in it could not be. */
function move(row: HTMLElement, by: number): Animation[] {
  const timing = { duration: GLIDE_MS, easing: "ease-out" };
  const item = by > 0 ? row.closest("li")?.animate({ zIndex: [1, 1] }, timing) : undefined;
  const glide = row.animate({ transform: [`translateY(${by}px)`, "none"], pointerEvents: ["none", "none"] }, timing);
  return item === undefined ? [glide] : [item, glide];
}
