import { mayCreateAny } from "@talkwire/client/parts";
import { Compass, Plus } from "lucide-react";
import { texts } from "../../texts";
import { useChatState } from "../page/chat_context";
import type { SidebarDialog } from "./sidebar_dialogs";

/** Buttons to start a conversation and to find a public one. */
export function StartButtons({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  const mayCreate = useChatState((state) => mayCreateAny(state.rights));
  return (
    <div className="buttons">
      {mayCreate && (
        <button type="button" className="primary" onClick={() => onOpen({ kind: "new" })}>
          <Plus className="icon" aria-hidden="true" /> {texts.places.startOne}
        </button>
      )}
      <button type="button" onClick={() => onOpen({ kind: "browse" })}>
        <Compass className="icon" aria-hidden="true" /> {texts.places.browse}
      </button>
    </div>
  );
}
