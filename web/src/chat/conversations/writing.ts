import type { Conversation, User } from "@talkwire/client";
import { may, roleOf } from "@talkwire/client/parts";

/** Returns whether the reader may write in a conversation, as far as the page knows. */
export function mayWriteIn(conversation: Conversation, me: User, blocked: ReadonlySet<string>): boolean {
  const { kind, members = [], mutedByModerator } = conversation;
  if (mutedByModerator !== undefined || !may(kind, roleOf(conversation, me), "post")) return false;
  return kind !== "direct" || !members.some(({ userId, erased }) => blocked.has(userId) || erased === true);
}
