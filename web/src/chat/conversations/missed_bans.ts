/** Finds the bans that have ended the reader's memberships while this page was closed or disconnected. */

import type { Restriction } from "@talkwire/client";
import type { Core } from "@talkwire/client/parts";

/** Returns the bans since a cursor by conversation; none where the server does not say so, or does not any more. */
export async function missedBans(
  core: Pick<Core, "missedEvents">,
  since: string | null,
): Promise<ReadonlyMap<string, Restriction>> {
  const missed = since === null ? null : await core.missedEvents(since).catch(() => null);
  const bans = new Map<string, Restriction>();
  for (const { event, data } of missed?.events ?? []) {
    const restriction = data as Restriction;
    if (restriction.kind !== "ban") continue;
    if (event === "member:restricted") bans.set(restriction.conversationId, restriction);
    if (event === "member:unrestricted") bans.delete(restriction.conversationId);
  }
  return bans;
}
