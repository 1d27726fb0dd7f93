import type { Conversation } from "@talkwire/client";
import { own, typistsIn } from "@talkwire/client/parts";
import { ChevronLeft, CloudOff, EllipsisVertical, Images, Info, Pin, Search, Tag, Video } from "lucide-react";
import { useStore } from "zustand";
import { totalElsewhere } from "../../chat/conversations/unread";
import { texts } from "../../texts";
import { CallButtons } from "../calls/call_buttons";
import { useMayCall } from "../calls/use_may_call";
import { ConnectionLineHere } from "../components/connection_line";
import { countOf, faceOf, nameOf, partnerOf } from "../components/conversation_names";
import { EmptyState } from "../components/empty_state";
import { IconButton } from "../components/icon_button";
import { KindIcon, PlaceAvatar } from "../components/kind_icon";
import { MenuButton } from "../components/menu";
import type { MenuAction } from "../components/menu_action";
import { Notice } from "../components/notice";
import { usePanelHidesConversation } from "../components/panel_layout";
import { UnreadCount } from "../components/unread_count";
import { MessageInput } from "../composer/message_input";
import { ViewerHost } from "../files/viewer_host";
import { LinkedText } from "../markdown/linked_text";
import { useOffers } from "../offers/use_offers";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { backToList } from "../page/page_address";
import { PanelView } from "../panel/panel_view";
import { AvatarWithPresence, usePresence } from "../people/avatar_with_presence";
import { NamesakeHandle } from "../people/person_handle";
import { BeginningContext } from "../timeline/beginning_context";
import { TimelineView } from "../timeline/timeline_view";
import { ConversationBeginning } from "./conversation_beginning";
import { PlaceDialogs } from "./place_dialogs";
import "./conversation_view.css";

const DeskBar = lazyPart(() => import("../desk/desk_bar"), "silent");
const FirstSteps = lazyPart(() => import("./first_steps"), "place");
const WorkingLine = lazyPart(() => import("../streams/working_line"), "silent");

export function ConversationView({ conversation }: { conversation: Conversation }) {
  const { id } = conversation;
  const name = nameOf(conversation);
  const isHidden = usePanelHidesConversation();
  const isStaff = useChatState((state) => state.teams.length > 0);
  return (
    <>
      <main className="conversation">
        <Header conversation={conversation} name={name} />
        {isStaff && <DeskBar conversation={conversation} />}
        <ConnectionLineHere />
        {!isHidden && <Notice />}
        <Messages key={id} id={id} />
        <TypingLine id={id} />
        <MessageInput key={`composer ${id}`} conversation={conversation} placeholder={texts.messageTo(name)} />
      </main>
      <PanelView conversation={conversation} />
      <ViewerHost />
    </>
  );
}

/** The messages, with what they open. */
function Messages({ id }: { id: string }) {
  return (
    <PlaceDialogs id={id}>
      <BeginningContext value={ConversationBeginning}>
        <LoadedMessages id={id} />
      </BeginningContext>
    </PlaceDialogs>
  );
}

/** The messages, or that they come later: they have not been loaded yet, and the server cannot be reached. */
function LoadedMessages({ id }: { id: string }) {
  const isLoaded = useChatState((state) => own(state.timelines, id) !== undefined);
  const connected = useChatState((state) => state.connected);
  const hasUnsent = useStore(useChat().messages.outbox, (all) => all.some((each) => each.conversationId === id));
  if (isLoaded || connected) return <TimelineView id={id} FirstSteps={FirstSteps} />;
  if (hasUnsent)
    return (
      <>
        <p className="earlier-later" role="status">
          {texts.notLoadedYet} {texts.loadedLater}
        </p>
        <TimelineView id={id} FirstSteps={FirstSteps} />
      </>
    );
  return (
    <div className="timeline nothing-said">
      <EmptyState icon={CloudOff} title={texts.notLoadedYet}>
        <p>{texts.loadedLater}</p>
      </EmptyState>
    </div>
  );
}

function Header({ conversation, name }: { conversation: Conversation; name: string }) {
  const chat = useChat();
  const panel = useChatState((state) => state.panel?.kind);
  const face = useChatState((state) => faceOf(conversation, state.me));
  const hasOffers = useOffers(conversation);
  const toggle = (): void => chat.openPanel(panel === "details" ? null : { kind: "details" });
  return (
    <header>
      <div className="header-line">
        <span className="way-back">
          <IconButton icon={ChevronLeft} label={texts.back} className="back" onClick={backToList} />
          <UnreadElsewhere conversation={conversation} />
        </span>
        {/* The keyboard needs only one of the two buttons. */}
        <button type="button" className="title-button reach" tabIndex={-1} aria-hidden="true" onClick={toggle}>
          {conversation.kind === "direct" ? (
            <AvatarWithPresence userId={face} name={name} picture={conversation.avatar} />
          ) : (
            <PlaceAvatar conversation={conversation} />
          )}
        </button>
        <div className="title">
          <div className="title-line">
            <KindIcon conversation={conversation} />
            <h1 dir="auto">
              <button type="button" className="title-button" aria-expanded={panel === "details"} onClick={toggle}>
                {name}
              </button>
            </h1>
            {conversation.kind === "direct" && <NamesakeHandle userId={face} name={name} />}
          </div>
          <Subtitle conversation={conversation} />
        </div>
        <CallButtons conversation={conversation} />
        {hasOffers && (
          <IconButton
            icon={Tag}
            label={texts.offers.title}
            className="wide-only"
            aria-pressed={panel === "offers"}
            onClick={() => chat.openPanel(panel === "offers" ? null : { kind: "offers" })}
          />
        )}
        <PinsButton id={conversation.id} />
        <IconButton
          icon={Images}
          label={texts.filesPanel.title}
          className="wide-only"
          aria-pressed={panel === "files"}
          onClick={() => chat.openPanel(panel === "files" ? null : { kind: "files" })}
        />
        <IconButton
          icon={Search}
          label={texts.search}
          className="wide-only"
          aria-pressed={panel === "search"}
          onClick={() => chat.openPanel(panel === "search" ? null : { kind: "search" })}
        />
        <IconButton icon={Info} label={texts.details} aria-pressed={panel === "details"} onClick={toggle} />
        <HeaderMenu conversation={conversation} />
      </div>
    </header>
  );
}

/** What is unread in the other conversations. */
function UnreadElsewhere({ conversation }: { conversation: Conversation }) {
  const count = useChatState(
    ({ conversations, features, unreadElsewhere }) =>
      unreadElsewhere + totalElsewhere(conversations, conversation, features),
  );
  return count > 0 ? <UnreadCount count={count} weight="usual" /> : null;
}

/** The buttons that do not fit into a narrow header. */
function HeaderMenu({ conversation }: { conversation: Conversation }) {
  const chat = useChat();
  const hasOffers = useOffers(conversation);
  const mayCall = useMayCall(conversation);
  const { id } = conversation;
  const actions = (): MenuAction[] => [
    ...(mayCall ? [{ label: texts.calls.video, icon: Video, onClick: () => void chat.calls.dial(id, true) }] : []),
    ...(hasOffers ? [{ label: texts.offers.title, icon: Tag, onClick: () => chat.openPanel({ kind: "offers" }) }] : []),
    { label: texts.filesPanel.title, icon: Images, onClick: () => chat.openPanel({ kind: "files" }) },
    { label: texts.search, icon: Search, onClick: () => chat.openPanel({ kind: "search" }) },
  ];
  return (
    <span className="narrow-only">
      <MenuButton icon={EllipsisVertical} label={texts.more} actions={actions} />
    </span>
  );
}

/** Opens the pinned messages, if there are any. */
function PinsButton({ id }: { id: string }) {
  const chat = useChat();
  const count = useStore(chat.pins.state, (state) => own(state, id)?.length ?? 0);
  const isShown = useChatState((state) => state.panel?.kind === "pins");
  if (count === 0 && !isShown) return null;
  return (
    <button
      type="button"
      className="icon-button pins-button"
      title={texts.pins}
      aria-label={texts.pinsCount(count)}
      aria-pressed={isShown}
      onClick={() => chat.openPanel(isShown ? null : { kind: "pins" })}
    >
      <Pin className="icon" aria-hidden="true" />
      <span>{count}</span>
    </button>
  );
}

function Subtitle({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const partner = partnerOf(conversation, me);
  const connected = useChatState((state) => state.connected);
  const presence = usePresence(partner?.userId);
  if (conversation.kind !== "direct") return <MembersAndTopic conversation={conversation} />;
  // Presence is unknown without a connection, and means nothing where nobody will come back.
  if (!connected || partner?.erased === true) return <p className="subtitle cut-line">{texts.kinds.direct}</p>;
  const status = presence?.status ?? "offline";
  return (
    <p className="subtitle cut-line">
      {texts.presence[status]}
      {presence?.text && (
        <>
          {" · "}
          <bdi>{presence.text}</bdi>
        </>
      )}
    </p>
  );
}

function MembersAndTopic({ conversation }: { conversation: Conversation }) {
  const { topic } = conversation;
  return (
    <p className="subtitle cut-line" title={topic}>
      {texts.members(countOf(conversation))}
      {topic !== undefined && (
        <>
          <span className="topic">{" · "}</span>
          <bdi className="topic">
            <LinkedText text={topic} />
          </bdi>
        </>
      )}
    </p>
  );
}

/** Who is typing, and which agents work on an answer. */
function TypingLine({ id }: { id: string }) {
  const { typing, working } = useChat();
  const typists = useStore(typing.state, (state) => typistsIn(state, id));
  const agents = useStore(working, (state) => own(state, id));
  const labels = typists.length === 0 ? "" : texts.typing(typists.map(({ name }) => name));
  return (
    <p className="typing" aria-live="polite">
      {labels}
      {agents?.map((agent, index) => (
        <WorkingLine key={agent.agentId} id={id} agent={agent} isFirst={index === 0 && labels === ""} />
      ))}
    </p>
  );
}
