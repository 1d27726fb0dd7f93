import type { Person, RequestError } from "@talkwire/client";
import { texts } from "../../texts";

/** Returns why people were not added to a conversation, with the names of those whom the server refused. */
export function whyNotAdded(error: Error, chosen: readonly Person[]): string {
  const { code, details } = error as RequestError;
  const { userIds = [] } = (details ?? {}) as { userIds?: readonly string[] };
  const refused = chosen.filter(({ id }) => userIds.includes(id)).map(({ name }) => name);
  if (refused.length === 0) return error.message;
  const who = texts.listed(refused);
  return code === "blocked" ? texts.places.areBlockers(who) : texts.places.areBanned(who, refused.length);
}
