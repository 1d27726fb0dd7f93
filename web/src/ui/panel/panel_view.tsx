import type { Conversation } from "@talkwire/client";
import { leavePanel, usePanelCoversConversation } from "../components/panel_layout";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { useBackCloses } from "../page/use_back_closes";
import { useRestoreFocus } from "./use_restore_focus";

export const ThreadPanel = lazyPart(() => import("./thread_panel"));
const PinsPanel = lazyPart(() => import("./pins_panel"));
const FilesPanel = lazyPart(() => import("../files/files_panel"));
const SearchPanel = lazyPart(() => import("../search/search_panel"));
const DetailsPanel = lazyPart(() => import("./details_panel"));
const NotesPanel = lazyPart(() => import("../desk/notes_panel"));
const OffersPanel = lazyPart(() => import("../offers/offers_panel"));

/** The open panel, beside the conversation or instead of it in a narrow window. */
export function PanelView({ conversation }: { conversation: Conversation }) {
  const chat = useChat();
  const panel = useChatState((state) => state.panel);
  useBackCloses(usePanelCoversConversation() && panel !== null, () => leavePanel(chat));
  useRestoreFocus(panel);
  const giveUp = (): void => chat.openPanel(null);
  switch (panel?.kind) {
    case "details":
      return <DetailsPanel onGiveUp={giveUp} conversation={conversation} />;
    case "offers":
      return <OffersPanel onGiveUp={giveUp} conversation={conversation} found={panel.found} />;
    case "thread":
      return <ThreadPanel key={panel.rootId} onGiveUp={giveUp} conversation={conversation} panel={panel} />;
    case "pins":
      return <PinsPanel onGiveUp={giveUp} conversation={conversation} />;
    case "files":
      return <FilesPanel onGiveUp={giveUp} conversation={conversation} />;
    case "notes":
      return <NotesPanel onGiveUp={giveUp} conversation={conversation} />;
    case "search":
      return <SearchPanel onGiveUp={giveUp} conversation={conversation} />;
    default:
      return null;
  }
}
