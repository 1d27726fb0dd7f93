import { useMedia } from "../use_media";

/** The width below which a panel covers the conversation (app.css). */
const medium = matchMedia("(max-width: 1000px)");

export const panelCoversConversation = (): boolean => medium.matches;

/** The same, updated with the window's width. */
export const usePanelCoversConversation = (): boolean => useMedia(medium);
