import { useChat } from "../chat_context";
import { goTo } from "../page_address";
import { panelCoversConversation } from "./panel_layout";

/** Goes to a message, and closes a panel that would cover it. */
export function useGoToMessage(): (conversationId: string, messageId: string) => void {
  const chat = useChat();
  return (conversationId, messageId) => {
    if (panelCoversConversation()) chat.openPanel(null);
    goTo(conversationId, messageId);
  };
}
