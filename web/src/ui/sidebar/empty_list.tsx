import { mayCreateAny } from "@talkwire/client/parts";
import { Compass, Plus } from "lucide-react";
import { texts } from "../../texts";
import { useChatState } from "../chat_context";
import type { SidebarDialog } from "./sidebar_dialogs";

/** What a new user can do first. */
export function EmptyList({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  const mayCreate = useChatState((state) => mayCreateAny(state.rights));
  return (
    <div className="empty">
      <h2>{texts.noConversations}</h2>
      <p>{texts.noConversationsHint}</p>
      {mayCreate && (
        <button type="button" className="primary" onClick={() => onOpen({ kind: "new" })}>
          <Plus className="icon" aria-hidden="true" /> {texts.places.startOne}
        </button>
      )}
      <button type="button" onClick={() => onOpen({ kind: "browse" })}>
        <Compass className="icon" aria-hidden="true" /> {texts.places.browse}
      </button>
      <p>{texts.places.alone}</p>
    </div>
  );
}
