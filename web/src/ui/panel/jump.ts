import { goTo } from "../address";
import { useChat } from "../context";
import { hidesConversation } from "./alone";

/** Goes to a message; a panel that would hide it is closed. */
export function useJump(): (conversationId: string, messageId: string) => void {
  const chat = useChat();
  return (conversationId, messageId) => {
    if (hidesConversation()) chat.show(null);
    goTo(conversationId, messageId);
  };
}
