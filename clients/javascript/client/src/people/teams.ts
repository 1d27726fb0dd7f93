/** The teams of the signed-in user. */

import type { Core } from "../core.ts";
import { allPages } from "../server/all_pages.ts";
import type { Team } from "../server/payloads.ts";

/** Returns the teams that the user is in, from all pages of their list. Rejects with `RequestError`. */
export function teamsOf({ rest, now }: Core): Promise<Team[]> {
  return allPages(rest, `teams?limit=100&memberId=${encodeURIComponent(now.me.id)}`);
}
