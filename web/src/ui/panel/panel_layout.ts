import { useMedia } from "../use_media";

/** Where a panel stands in the conversation's place, and not beside it (app.css). */
const medium = matchMedia("(max-width: 1000px)");

export const panelCoversConversation = (): boolean => medium.matches;

/** The same, as it changes with the window. */
export const usePanelCoversConversation = (): boolean => useMedia(medium);
