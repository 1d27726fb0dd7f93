import { mayCreateAny } from "@talkwire/client/parts";
import { Compass, MessageCircle, MessagesSquare, SquarePen, Users } from "lucide-react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { AlertOffer } from "../alerts/alert_offer";
import { BellButton } from "../alerts/bell_button";
import { ConnectionLine } from "../components/connection_line";
import { IconButton } from "../components/icon_button";
import { useChat, useChatState } from "../page/chat_context";
import { AccountButton } from "./account_button";
import { ConversationList } from "./conversation_list";
import type { SidebarDialog } from "./sidebar_dialogs";
import "./sidebar.css";

interface Props {
  onOpen: (dialog: SidebarDialog) => void;
  onSignOut: (() => void) | undefined;
}

/** The signed-in user, their conversations, and the state of the connection. */
export function Sidebar({ onOpen, onSignOut }: Props) {
  const mayCreate = useChatState((state) => mayCreateAny(state.rights));
  return (
    <aside className="sidebar">
      <div className="sidebar-list">
        <header>
          <AccountButton onOpen={onOpen} onSignOut={onSignOut} />
          <BellButton />
          {mayCreate && (
            <IconButton
              className="start-button"
              icon={SquarePen}
              label={texts.newConversation}
              onClick={() => onOpen({ kind: "new" })}
            />
          )}
        </header>
        <ConversationList onOpen={onOpen}>
          <SideButtons onOpen={onOpen} />
        </ConversationList>
      </div>
      <AlertOffer />
      <ConnectionLine />
    </aside>
  );
}

/** Opens what is in no conversation: threads, people and public conversations. On phones, it has the list itself too. */
function SideButtons({ onOpen }: Pick<Props, "onOpen">) {
  return (
    <div className="side-buttons">
      <button
        type="button"
        className="side-button reach to-list"
        aria-current="page"
        onClick={() => document.querySelector(".conversations")?.scrollTo({ top: 0 })}
      >
        <MessageCircle className="icon" aria-hidden="true" />
        <span>{texts.places.listShort}</span>
      </button>
      <ThreadsButton />
      <button
        type="button"
        className="side-button reach"
        aria-haspopup="dialog"
        onClick={() => onOpen({ kind: "people" })}
      >
        <Users className="icon" aria-hidden="true" />
        <span>{texts.people.all}</span>
      </button>
      <button
        type="button"
        className="side-button reach"
        aria-haspopup="dialog"
        aria-label={texts.places.browse}
        title={texts.places.browse}
        onClick={() => onOpen({ kind: "browse" })}
      >
        <Compass className="icon" aria-hidden="true" />
        <span>{texts.places.browseShort}</span>
      </button>
    </div>
  );
}

/** Opens the list of followed threads, and shows how many have unread replies. */
export function ThreadsButton() {
  const chat = useChat();
  const unread = useStore(chat.followedThreads.state, (state) => state.unread);
  return (
    <button
      type="button"
      className={unread > 0 ? "side-button reach unread" : "side-button reach"}
      aria-haspopup="dialog"
      onClick={() => chat.openOverlay("threads")}
    >
      <MessagesSquare className="icon" aria-hidden="true" />
      <span>{texts.threads.title}</span>
      {unread > 0 && (
        <span className="count">
          <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
          <span className="hidden">{texts.threads.unread(unread)}</span>
        </span>
      )}
    </button>
  );
}
