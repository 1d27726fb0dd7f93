/** The teams of the signed-in user. */

import type { Core } from "../core.ts";
import type { Team } from "../server/payloads.ts";

/** Returns the teams that the user is in, from all pages of their list. Rejects with `RequestError`. */
export async function teamsOf(core: Core): Promise<Team[]> {
  const path = `teams?limit=100&memberId=${encodeURIComponent(core.now.me.id)}`;
  const teams: Team[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: { items: Team[]; next: string | null } = await core.rest.get(path + cursor);
    teams.push(...page.items);
    cursor = page.next && `&cursor=${encodeURIComponent(page.next)}`;
  }
  return teams;
}
