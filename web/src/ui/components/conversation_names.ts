import type { Conversation, Member, User } from "@talkwire/client";
import { texts } from "../../texts";

export function nameOf(conversation: Conversation): string {
  return conversation.name ?? texts.kinds[conversation.kind];
}

/** Returns the id for the avatar's colour: in a direct conversation, the other user's. */
export function faceOf(conversation: Conversation, me: User): string {
  return partnerOf(conversation, me)?.userId ?? conversation.id;
}

/** Returns the other member of a direct conversation, if it is known. */
export function partnerOf({ kind, members }: Conversation, me: User): Member | undefined {
  return kind === "direct" ? members?.find((member) => member.userId !== me.id) : undefined;
}
