import type { Offer } from "@talkwire/client";
import type { Chat } from "../../chat/chat";
import { useCompact } from "../../embedding/appearance";
import { useChat, useChatState } from "../page/chat_context";
import { goTo, leaveShownPlace, showPlace } from "../page/page_address";
import { useMedia } from "../page/use_media";

/** The width below which a panel covers the conversation (app.css). */
const medium = matchMedia("(max-width: 1000px)");

export const panelCoversConversation = (): boolean => medium.matches;

/** The same, updated with the window's width. */
export const usePanelCoversConversation = (): boolean => useMedia(medium);

/** Whether there is a panel, and it is shown instead of the conversation. */
export function usePanelHidesConversation(): boolean {
  const hasPanel = useChatState((state) => state.panel !== null);
  const isNarrow = usePanelCoversConversation();
  const isCompact = useCompact();
  return hasPanel && (isNarrow || isCompact);
}

/**
 * Closes the open panel. A thread of the list of threads leads back to that list, and where it has covered its
 * conversation, to what was open before.
 */
export function leavePanel(chat: Chat): void {
  const { panel } = chat.state.getState();
  chat.openPanel(null);
  if (panel?.kind !== "thread" || !panel.isFromList) return;
  const showList = (): void => chat.openOverlay("threads");
  if (panelCoversConversation()) leaveShownPlace(showList);
  else showList();
}

/** Goes to a message, and closes a panel that would cover it: Back leads to the panel again. */
export function useGoToMessage(): (conversationId: string, messageId: string) => void {
  const chat = useChat();
  return (conversationId, messageId) => {
    const covering = panelCoversConversation() ? chat.state.getState().panel : null;
    if (covering !== null) chat.openPanel(null);
    goTo(conversationId, messageId, covering);
  };
}

/** Goes to an offer in the list of its conversation's offers. */
export function useGoToOffer(): (offer: Offer) => void {
  const chat = useChat();
  return (found) => {
    showPlace(found.conversationId);
    void chat.open(found.conversationId);
    chat.openPanel({ kind: "offers", found });
  };
}
