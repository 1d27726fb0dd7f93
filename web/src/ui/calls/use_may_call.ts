import type { Conversation } from "@talkwire/client";
import { useChatState } from "../chat_context";
import { partnerOf } from "../conversation/conversation_names";
import { useBlockedPartner } from "../people/use_blocked_partner";

/** Returns whether the reader is offered to call the other user: not if they are blocked or their account was deleted. */
export function useMayCall(conversation: Conversation): boolean {
  const isErased = useChatState((state) => partnerOf(conversation, state.me)?.erased === true);
  const blocked = useBlockedPartner(conversation);
  return conversation.kind === "direct" && blocked === undefined && !isErased;
}
