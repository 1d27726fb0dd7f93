import type { Conversation, Member, User } from "@talkwire/client";
import { nameAndHandle } from "../../chat/conversations/name_search";
import { texts } from "../../texts";

export function nameOf(conversation: Conversation): string {
  return conversation.name ?? texts.kinds[conversation.kind];
}

/** Returns how many members a conversation has, without the known ones whose accounts were deleted. */
export function countOf({ memberCount, members = [] }: Conversation): number {
  return memberCount - members.filter(({ erased }) => erased === true).length;
}

/** Returns what a conversation is found by: its name, and the handle of the other user of a direct one. */
export function soughtIn(conversation: Conversation, me: User): string {
  return nameAndHandle({ name: nameOf(conversation), handle: partnerOf(conversation, me)?.handle });
}

/** Returns the id for the avatar's colour: in a direct conversation, the other user's. */
export function faceOf(conversation: Conversation, me: User): string {
  return partnerOf(conversation, me)?.userId ?? conversation.id;
}

/** Returns the other member of a direct conversation, if it is known. */
export function partnerOf({ kind, members }: Conversation, me: User): Member | undefined {
  return kind === "direct" ? members?.find((member) => member.userId !== me.id) : undefined;
}
