import type { Conversation, Member } from "@talkwire/client";
import { partnerOf } from "../components/conversation_names";
import { useChatState } from "../page/chat_context";

/** Returns the other member of a direct conversation if the reader has blocked them. */
export function useBlockedPartner(conversation: Conversation): Member | undefined {
  const partner = useChatState((state) => partnerOf(conversation, state.me));
  const isBlocked = useChatState((state) => partner !== undefined && state.blocked.has(partner.userId));
  return isBlocked ? partner : undefined;
}
