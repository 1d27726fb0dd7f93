import type { Conversation, Member, User } from "../../server/payloads";
import { texts } from "../../texts";

export function nameOf(conversation: Conversation): string {
  return conversation.name ?? texts.kinds[conversation.kind];
}

/** Whose colour its picture has: in a direct conversation that of the other one. */
export function faceOf(conversation: Conversation, me: User): string {
  return partnerOf(conversation, me)?.userId ?? conversation.id;
}

/** The other one of a direct conversation, where that is known. */
export function partnerOf({ kind, members }: Conversation, me: User): Member | undefined {
  return kind === "direct" ? members?.find((member) => member.userId !== me.id) : undefined;
}
