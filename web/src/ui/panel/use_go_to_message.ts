import { useChat } from "../chat_context";
import { goTo } from "../page_address";
import { panelCoversConversation } from "./panel_layout";

/** Goes to a message; a panel that would hide it is closed. */
export function useGoToMessage(): (conversationId: string, messageId: string) => void {
  const chat = useChat();
  return (conversationId, messageId) => {
    if (panelCoversConversation()) chat.show(null);
    goTo(conversationId, messageId);
  };
}
