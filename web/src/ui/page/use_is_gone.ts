import { own } from "@talkwire/client/parts";
import { useChatState } from "./chat_context";

/** Whether the reader is not in a conversation any more, or it is gone. */
export function useIsGone(conversationId: string): boolean {
  return useChatState(({ conversations }) => own(conversations, conversationId) === undefined);
}
