import type { Conversation, Member } from "@talkwire/client";
import { useChatState } from "../chat_context";
import { partnerOf } from "../conversation/conversation_names";

/** Returns the other member of a direct conversation if the reader has blocked them. */
export function useBlockedPartner(conversation: Conversation): Member | undefined {
  const partner = useChatState((state) => partnerOf(conversation, state.me));
  const isBlocked = useChatState((state) => partner !== undefined && state.blocked.has(partner.userId));
  return isBlocked ? partner : undefined;
}
