import type { User } from "@talkwire/client";
import type { Api } from "../server/api";
import type { Session } from "../server/session";

/** What only the reader can decide: somebody else may have made the link. Nothing is changed meanwhile. */
export interface OtherUser {
  /** The user who is signed in. */
  readonly current: User;
  /** The session that the link would start. */
  readonly offered: Session;
}

/**
 * Signs in with the token of a link, for this tab. Where another user is signed in, returns both instead. Rejects with
 * `RequestError` if the server refuses the token.
 */
export async function signInByLink(api: Api, token: string): Promise<{ session: Session } | OtherUser> {
  const offered = await api.sessionOfToken(token);
  const current = api.session?.user;
  if (current !== undefined && current.id !== offered.user.id) return { current, offered };
  return { session: await api.startByToken(offered) };
}
