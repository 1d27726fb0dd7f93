import { useChat } from "../chat_context";
import { goTo } from "../page_address";
import { useMedia } from "../use_media";

/** The width below which a panel covers the conversation (app.css). */
const medium = matchMedia("(max-width: 1000px)");

export const panelCoversConversation = (): boolean => medium.matches;

/** The same, updated with the window's width. */
export const usePanelCoversConversation = (): boolean => useMedia(medium);

/** Goes to a message, and closes a panel that would cover it. */
export function useGoToMessage(): (conversationId: string, messageId: string) => void {
  const chat = useChat();
  return (conversationId, messageId) => {
    if (panelCoversConversation()) chat.openPanel(null);
    goTo(conversationId, messageId);
  };
}
