import { texts } from "../../texts";
import { EmptyState, ROWS } from "../components/empty_state";
import type { SidebarDialog } from "./sidebar_dialogs";
import { StartButtons } from "./start_buttons";

/** What a new user can do first. */
export function EmptyList({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  return (
    <EmptyState drawing={ROWS} title={texts.noConversations}>
      <p>{texts.noConversationsHint}</p>
      <StartButtons onOpen={onOpen} />
      <p>{texts.places.alone}</p>
    </EmptyState>
  );
}
