import { mayCreateAny } from "@talkwire/client/parts";
import { Compass, Plus, Users } from "lucide-react";
import { useState } from "react";
import { isFramed } from "../../embedding/framed";
import { texts } from "../../texts";
import { AccountButton } from "../account/account_button";
import { AlertOffer } from "../alerts/alert_offer";
import { BellButton } from "../alerts/bell_button";
import { useChatState } from "../chat_context";
import { BrandLine } from "../components/brand";
import { IconButton } from "../components/icon_button";
import { ConnectionLine } from "./connection_line";
import { ConversationList } from "./conversation_list";
import { type SidebarDialog, SidebarDialogs } from "./sidebar_dialogs";
import { ThreadsButton } from "./threads_button";
import "./sidebar.css";

/** The signed-in user, their conversations, and the state of the connection. */
export function Sidebar({ onSignOut }: { onSignOut: (() => void) | undefined }) {
  const mayCreate = useChatState((state) => mayCreateAny(state.rights));
  const [dialog, setDialog] = useState<SidebarDialog | null>(null);
  return (
    <aside className="sidebar">
      {!isFramed && <BrandLine />}
      <header>
        <AccountButton onOpen={setDialog} onSignOut={onSignOut} />
        <BellButton />
        <IconButton icon={Users} label={texts.people.all} onClick={() => setDialog({ kind: "people" })} />
        <IconButton icon={Compass} label={texts.places.browse} onClick={() => setDialog({ kind: "browse" })} />
        {mayCreate && (
          <IconButton icon={Plus} label={texts.newConversation} onClick={() => setDialog({ kind: "new" })} />
        )}
      </header>
      <ThreadsButton onClick={() => setDialog({ kind: "threads" })} />
      <ConversationList onOpen={setDialog} />
      <AlertOffer />
      <ConnectionLine />
      <SidebarDialogs dialog={dialog} onClose={() => setDialog(null)} />
    </aside>
  );
}
