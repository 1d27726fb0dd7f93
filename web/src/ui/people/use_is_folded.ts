import { isFolded } from "../../chat/people/folded";
import { useChatState } from "../page/chat_context";

/** Returns whether what a user says in a conversation is hidden, because the reader has blocked them. */
export function useIsFolded(conversationId: string, userId: string | undefined): boolean {
  return useChatState((state) => userId !== undefined && isFolded(state, conversationId, userId));
}
