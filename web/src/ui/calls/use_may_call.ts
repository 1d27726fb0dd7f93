import type { Conversation } from "@talkwire/client";
import { partnerOf } from "../components/conversation_names";
import { useChatState } from "../page/chat_context";
import { useBlockedPartner } from "../people/use_blocked_partner";

/** Returns whether the reader is offered to call the other user: not if they are blocked or their account was deleted. */
export function useMayCall(conversation: Conversation): boolean {
  const isErased = useChatState((state) => partnerOf(conversation, state.me)?.erased === true);
  const blocked = useBlockedPartner(conversation);
  return conversation.kind === "direct" && blocked === undefined && !isErased;
}
