import { mayCreateAny } from "@talkwire/client/parts";
import { Compass, MessageCircle, MessagesSquare, SquarePen, Users } from "lucide-react";
import { useStore } from "zustand";
import { totalOf } from "../../chat/conversations/unread";
import { texts } from "../../texts";
import { AlertOffer } from "../alerts/alert_offer";
import { BellButton } from "../alerts/bell_button";
import { ConnectionLine } from "../components/connection_line";
import { IconButton } from "../components/icon_button";
import { SideCount } from "../components/side_count";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { AccountButton } from "./account_button";
import { ConversationList } from "./conversation_list";
import type { SidebarDialog } from "./sidebar_dialogs";
import { WaitingEntry } from "./waiting_entry";
import "./sidebar.css";

const DeskEntry = lazyPart(() => import("../desk/desk_entry"), "silent");
const DeskList = lazyPart(() => import("../desk/desk_list"), "place");

interface Props {
  onOpen: (dialog: SidebarDialog) => void;
  onSignOut: (() => void) | undefined;
}

/** The signed-in user, their conversations, and the state of the connection. */
export function Sidebar({ onOpen, onSignOut }: Props) {
  const mayCreate = useChatState((state) => mayCreateAny(state.rights));
  const isDesk = useChatState(({ deskId, teams }) => deskId !== null && teams.length > 0);
  return (
    <aside className="sidebar">
      <div className="sidebar-list">
        <header>
          <AccountButton onOpen={onOpen} onSignOut={onSignOut} />
          <BellButton />
          {mayCreate && !isDesk && (
            <IconButton
              className="start-button"
              icon={SquarePen}
              label={texts.newConversation}
              onClick={() => onOpen({ kind: "new" })}
            />
          )}
        </header>
        <WaitingEntry />
        {isDesk ? (
          <DeskList />
        ) : (
          <ConversationList onOpen={onOpen}>
            <SideButtons onOpen={onOpen} />
          </ConversationList>
        )}
      </div>
      <AlertOffer />
      <ConnectionLine />
    </aside>
  );
}

/** Opens what is in no conversation: threads, people and public conversations. On phones, it has the list itself too. */
function SideButtons({ onOpen }: Pick<Props, "onOpen">) {
  const isStaff = useChatState((state) => state.teams.length > 0);
  return (
    <div className="side-buttons">
      <ChatsButton />
      {isStaff && <DeskEntry />}
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

/** The bar's button for the list itself: scrolls it to its top, and shows what is unread in it. */
function ChatsButton() {
  const unread = useChatState(
    ({ conversations, features, unreadElsewhere }) => unreadElsewhere + totalOf(conversations, features),
  );
  return (
    <button
      type="button"
      className="side-button reach to-list"
      aria-current="page"
      onClick={() => document.querySelector(".conversations")?.scrollTo({ top: 0 })}
    >
      <MessageCircle className="icon" aria-hidden="true" />
      <span>{texts.places.listShort}</span>
      <SideCount count={unread} words={texts.unread(unread)} />
    </button>
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
      <SideCount count={unread} words={texts.threads.unread(unread)} />
    </button>
  );
}
