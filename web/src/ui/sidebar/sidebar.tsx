import { Compass, Plus } from "lucide-react";
import { useState } from "react";
import { mayCreateAny } from "../../chat/conversations/rights";
import { texts } from "../../texts";
import { AccountButton } from "../account/account_button";
import { AlertOffer } from "../alerts/alert_offer";
import { BellButton } from "../alerts/bell_button";
import { useChatState } from "../chat_context";
import { IconButton } from "../components/icon_button";
import { ConnectionLine } from "./connection_line";
import { ConversationList } from "./conversation_list";
import { type SidebarDialog, SidebarDialogs } from "./sidebar_dialogs";
import "./sidebar.css";

/** The signed-in user, their conversations, and the state of the connection. */
export function Sidebar({ onSignOut }: { onSignOut: () => void }) {
  const mayCreate = useChatState((state) => mayCreateAny(state.rights));
  const [dialog, setDialog] = useState<SidebarDialog | null>(null);
  return (
    <aside className="sidebar">
      <header>
        <AccountButton onOpen={setDialog} onSignOut={onSignOut} />
        <BellButton />
        <IconButton icon={Compass} label={texts.places.browse} onClick={() => setDialog({ kind: "browse" })} />
        {mayCreate && (
          <IconButton icon={Plus} label={texts.newConversation} onClick={() => setDialog({ kind: "new" })} />
        )}
      </header>
      <ConversationList onOpen={setDialog} />
      <AlertOffer />
      <ConnectionLine />
      <SidebarDialogs dialog={dialog} onClose={() => setDialog(null)} />
    </aside>
  );
}
