import { lazy, Suspense } from "react";
import type { Conversation } from "../../server/payloads";
import { useChatState } from "../chat_context";
import { useRestoreFocus } from "./use_restore_focus";

const ThreadPanel = lazy(() => import("./thread_panel"));
const PinsPanel = lazy(() => import("./pins_panel"));
const SearchPanel = lazy(() => import("../search/search_panel"));
const DetailsPanel = lazy(() => import("./details_panel"));
const OffersPanel = lazy(() => import("../offers/offers_panel"));

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
