/** Notices of what happened in a conversation. All functions are pure. */

import type { Notice } from "@talkwire/client";

export interface LoadedNotices {
  /** In the order of time. */
  readonly notices: readonly Notice[];
  /** The cursor of older notices; null when all are loaded. */
  readonly next: string | null;
}

const idOf = ({ id }: Notice): number => Number(id);

/** Adds the newest page. If older notices than the page's may be missing between both, only the page is kept. */
export function withNewest(before: LoadedNotices | undefined, page: LoadedNotices): LoadedNotices {
  const newestKnown = before?.notices.at(-1);
  const [oldestNew] = inTime(page.notices);
  const overlaps = newestKnown !== undefined && oldestNew !== undefined && idOf(oldestNew) <= idOf(newestKnown);
  if (before === undefined || (!overlaps && page.next !== null)) return { ...page, notices: inTime(page.notices) };
  return { notices: inTime([...before.notices, ...page.notices]), next: before.next };
}

/** Adds the next page of older notices. */
export function withOlder(before: LoadedNotices, page: LoadedNotices): LoadedNotices {
  return { notices: inTime([...before.notices, ...page.notices]), next: page.next };
}

/** Returns each notice once, as it was loaded last, in the order of time. */
function inTime(notices: readonly Notice[]): Notice[] {
  return [...new Map(notices.map((notice) => [notice.id, notice])).values()].sort(
    (one, other) => idOf(one) - idOf(other),
  );
}

/** Returns the notices with consecutive ones of users who joined, or left, as one. */
export function merged(notices: readonly Notice[]): Notice[] {
  const shown: Notice[] = [];
  for (const notice of notices) {
    const last = shown.at(-1);
    const isSame = last?.type === notice.type && (notice.type === "joined" || notice.type === "left");
    if (last !== undefined && isSame) shown[shown.length - 1] = together(last, notice);
    else shown.push(notice);
  }
  return shown;
}

function together(one: Notice, other: Notice): Notice {
  const userIds = [...new Set([...(one.userIds ?? []), ...(other.userIds ?? [])])];
  const twice = (one.userIds?.length ?? 0) + (other.userIds?.length ?? 0) - userIds.length;
  return {
    ...one,
    names: { ...one.names, ...other.names },
    userIds,
    userCount: (one.userCount ?? 0) + (other.userCount ?? 0) - twice,
  };
}
