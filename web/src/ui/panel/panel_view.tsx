import type { Conversation } from "@talkwire/client";
import { Suspense } from "react";
import { useChatState } from "../chat_context";
import { lazyPart } from "../lazy_part";
import { useRestoreFocus } from "./use_restore_focus";

const ThreadPanel = lazyPart(() => import("./thread_panel"));
const PinsPanel = lazyPart(() => import("./pins_panel"));
const FilesPanel = lazyPart(() => import("../files/files_panel"));
const SearchPanel = lazyPart(() => import("../search/search_panel"));
const DetailsPanel = lazyPart(() => import("./details_panel"));
const OffersPanel = lazyPart(() => import("../offers/offers_panel"));

/** The open panel, beside the conversation or instead of it in a narrow window. */
export function PanelView({ conversation }: { conversation: Conversation }) {
  const panel = useChatState((state) => state.panel);
  useRestoreFocus(panel);
  switch (panel?.kind) {
    case "details":
      return (
        <Suspense>
          <DetailsPanel conversation={conversation} />
        </Suspense>
      );
    case "offers":
      return (
        <Suspense>
          <OffersPanel conversation={conversation} />
        </Suspense>
      );
    case "thread":
      return (
        <Suspense>
          <ThreadPanel key={panel.rootId} conversation={conversation} panel={panel} />
        </Suspense>
      );
    case "pins":
      return (
        <Suspense>
          <PinsPanel conversation={conversation} />
        </Suspense>
      );
    case "files":
      return (
        <Suspense>
          <FilesPanel conversation={conversation} />
        </Suspense>
      );
    case "search":
      return (
        <Suspense>
          <SearchPanel conversation={conversation} />
        </Suspense>
      );
    default:
      return null;
  }
}
