import type { User } from "@talkwire/client";
import { newestFirst, own, placeOf } from "@talkwire/client/parts";
import { MessagesSquare } from "lucide-react";
import { useEffect, useState } from "react";
import { Chat, type Unsent } from "../chat/chat";
import { totalOf } from "../chat/conversations/unread";
import { useCompact } from "../embedding/appearance";
import { isFramed } from "../embedding/framed";
import { type HostState, useHost } from "../embedding/host";
import type { Api } from "../server/api";
import { texts } from "../texts";
import { useAlerts } from "./alerts/use_alerts";
import { showBadge } from "./app_badge";
import { CallGate } from "./calls/call_gate";
import { Confirmation } from "./components/confirmation";
import { EmptyState } from "./components/empty_state";
import { Notice } from "./components/notice";
import { panelCoversConversation } from "./components/panel_layout";
import { ToastView } from "./components/toast";
import { ConversationView } from "./conversation/conversation_view";
import { focusComposer, focusMessages } from "./keyboard/focus";
import { lastConversation, lastThread, rememberConversation, rememberThread } from "./last_conversation";
import { MessageDialogs } from "./message_dialogs/message_dialogs";
import { OfferForm } from "./offers/offer_form";
import { AnswerQuestionContext } from "./page/answer_question_context";
import { ChatContext, useChat, useChatState } from "./page/chat_context";
import { lazyPart, usePreload } from "./page/lazy_part";
import { followAddress, forgetPlace, placeHere, startAt } from "./page/page_address";
import { narrow, useMedia } from "./page/use_media";
import { ThreadPanel } from "./panel/panel_view";
import { Sidebar } from "./sidebar/sidebar";
import { type SidebarDialog, SidebarDialogs } from "./sidebar/sidebar_dialogs";
import { StartButtons } from "./sidebar/start_buttons";
import { Keyboard, QuickSwitcher } from "./switcher/keyboard";
import "./app.css";

const InvitationLink = lazyPart(() => import("./sign_in/invitation_link"), "unasked");
const AnswerQuestion = lazyPart(() => import("./desk/answer_question"), "silent");
const StartCards = lazyPart(() => import("./sidebar/start_cards"), "place");
const LeftBehindDialog = lazyPart(() => import("./conversation/left_behind_dialog"), "unasked");
const UnavailableConversation = lazyPart(() => import("./conversation/unavailable_conversation"), "place");

/** Parts that are often needed. */
const PRELOADED = [QuickSwitcher, ThreadPanel];

interface Props {
  api: Api;
  me: User;
  /** The code of an opened invitation link; null: none. */
  invitation: string | null;
  /** Whether the user has registered with the invitation, and so joined. */
  hasJoined: boolean;
  onInvitationOver: () => void;
  /** Called when the server or another tab has ended the session, with the reason. */
  onLeave: (reason: string) => void;
  /** Called when the user has signed out here. `isEnded`: whether the server knows. */
  onSignOut: (isEnded: boolean) => void;
  /** Called when the chat is first shown. */
  onShown: () => void;
}

/** The chat of a signed-in user. */
export default function SignedIn({ api, me, onLeave, onSignOut, onShown, ...invited }: Props) {
  const [chat, setChat] = useState<Chat | null>(null);
  /** What signing out would remove, once the user was asked; null: nobody asks. */
  const [unsent, setUnsent] = useState<Unsent | null>(null);
  const { invitation, hasJoined, onInvitationOver: over } = invited;
  useEffect(onShown, [onShown]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one chat per session, whatever `onLeave` is
  useEffect(() => {
    const started = new Chat(api, me);
    started.onEnd = onLeave;
    started.start();
    setChat(started);
    return () => {
      started.stop();
      // The user has signed out in another tab, or another user has signed in there.
      if (api.session?.user.id !== me.id) void started.forget();
    };
  }, [api, me]);
  if (chat === null) return null;
  // The application around the frame decides who is signed in.
  const maySignOut = !(isFramed && api.session?.byToken === true);
  const signOut = async (): Promise<void> => {
    await chat.end();
    onSignOut(await api.logout());
  };
  const ask = async (): Promise<void> => {
    const found = await chat.unsent();
    if (found.messages + found.drafts > 0) setUnsent(found);
    else await signOut();
  };
  return (
    <ChatContext value={chat}>
      <AnswerQuestionContext value={AnswerQuestion}>
        <Screen onSignOut={maySignOut ? () => void ask() : undefined} />
      </AnswerQuestionContext>
      {invitation !== null && (
        <InvitationLink key={invitation} code={invitation} hasJoined={hasJoined} onOver={over} onGiveUp={over} />
      )}
      {unsent !== null && (
        <Confirmation title={texts.signOut} action={texts.signOut} onConfirm={signOut} onClose={() => setUnsent(null)}>
          {texts.leaving.unsent(unsent.messages, unsent.drafts)}
        </Confirmation>
      )}
    </ChatContext>
  );
}

function Screen({ onSignOut }: { onSignOut: (() => void) | undefined }) {
  const isCompact = useCompact();
  const loaded = useChatState((state) => state.loaded);
  const isOpen = useChatState(
    ({ openId, conversations }) => openId !== null && own(conversations, openId) !== undefined,
  );
  const isSomewhere = useChatState(({ openId }) => openId !== null);
  const hasPanel = useChatState((state) => state.panel !== null);
  const [dialog, setDialog] = useState<SidebarDialog | null>(null);
  useAddress(loaded, isCompact);
  useUnreadCount();
  useHostState();
  useAlerts();
  usePreload(PRELOADED);
  const classes = ["screen", loaded && isSomewhere && "open", hasPanel && "with-panel"].filter(Boolean).join(" ");
  return (
    <div className={classes}>
      {isOpen && <SkipLinks />}
      {!isCompact && <Sidebar onOpen={setDialog} onSignOut={onSignOut} />}
      <Opened onOpen={isCompact ? undefined : setDialog} />
      <SidebarDialogs dialog={dialog} onClose={() => setDialog(null)} />
      {/* Not beside the conversation, whose end they outlive. */}
      <MessageDialogs />
      <OfferForm />
      <Announcer />
      {!isOpen && <Notice floats />}
      <ToastView />
      <LeftBehind />
      <CallGate />
      <Keyboard />
    </div>
  );
}

function LeftBehind() {
  const left = useChatState((state) => state.leftBehind[0]);
  return left === undefined ? null : <LeftBehindDialog key={left.conversationId} left={left} />;
}

/** A component of its own, so that messages of the open conversation do not render the rest again. */
function Opened({ onOpen }: { onOpen: ((dialog: SidebarDialog) => void) | undefined }) {
  const loaded = useChatState((state) => state.loaded);
  const openId = useChatState((state) => state.openId);
  const open = useChatState((state) => (state.openId === null ? undefined : own(state.conversations, state.openId)));
  if (open !== undefined) return <ConversationView conversation={open} />;
  return (
    <main className="nothing">
      <h1 className="hidden">{texts.name}</h1>
      {!loaded && <p>{texts.connecting}</p>}
      {loaded && openId !== null && <UnavailableConversation key={openId} id={openId} />}
      {loaded && openId === null && <NothingChosen onOpen={onOpen} />}
    </main>
  );
}

function NothingChosen({ onOpen }: { onOpen: ((dialog: SidebarDialog) => void) | undefined }) {
  const isListEmpty = useChatState(({ conversations }) => Object.keys(conversations).length === 0);
  // An empty list that fills the screen has the same cards.
  const isNarrow = useMedia(narrow);
  const isSearching = useChatState(({ listQuery }) => listQuery !== "");
  if (onOpen !== undefined && isListEmpty) return isNarrow ? null : <StartCards onOpen={onOpen} />;
  return (
    <EmptyState icon={MessagesSquare} title={texts.pickOne}>
      {/* The search says itself what comes next. */}
      {onOpen !== undefined && !isSearching && <StartButtons onOpen={onOpen} />}
    </EmptyState>
  );
}

/** Links past the list of conversations, for readers who use Tab. */
function SkipLinks() {
  return (
    <nav className="skip" aria-label={texts.skip}>
      <button type="button" onClick={focusMessages}>
        {texts.skipToMessages}
      </button>
      <button type="button" onClick={() => focusComposer()}>
        {texts.skipToComposer}
      </button>
    </nav>
  );
}

/** Long enough for screen readers to notice it. */
const ANNOUNCED_MS = 2_000;

/** Announces new messages to screen readers. The text goes again, so that the same one can be announced once more. */
function Announcer() {
  const { state } = useChat();
  const announcement = useChatState((now) => now.announcement);
  useEffect(() => {
    if (announcement === "") return;
    const timer = setTimeout(() => state.setState({ announcement: "" }), ANNOUNCED_MS);
    return () => clearTimeout(timer);
  }, [state, announcement]);
  return (
    <p className="hidden announcer" aria-live="polite">
      {announcement}
    </p>
  );
}

/** Follows the page's address, so that a reload and the browser's buttons work as expected. */
function useAddress(loaded: boolean, isCompact: boolean): void {
  const chat = useChat();
  useEffect(() => {
    if (!loaded || placeHere().conversationId !== null) return;
    const { conversations, me } = chat.state.getState();
    // Without the list, nothing else leads to a conversation.
    const newest = isCompact ? newestFirst(conversations)[0]?.id : undefined;
    // `#/` is the address of the list.
    const last = isFramed || narrow.matches || location.hash !== "" ? null : lastConversation(me.id);
    const id = newest ?? (last !== null && own(conversations, last) !== undefined ? last : undefined);
    if (id !== undefined) startAt(id);
  }, [chat, loaded, isCompact]);
  useEffect(
    () =>
      chat.state.subscribe(({ openId, conversations, me }, before) => {
        // The conversation was deleted, or the reader is no longer a member.
        if (openId === null && before.openId !== null) forgetPlace(before.openId);
        if (openId !== null && openId !== before.openId && own(conversations, openId) !== undefined)
          rememberConversation(me.id, openId);
      }),
    [chat],
  );
  useEffect(() => {
    if (!loaded) return;
    const { me } = chat.state.getState();
    const thread = lastThread(me.id);
    const stop = followAddress(({ conversationId, messageId }, panel) => {
      void chat.open(conversationId, messageId);
      if (panel !== null) chat.openPanel(panel);
    });
    reopenThread(chat, thread);
    const forget = chat.state.subscribe(({ openId, panel }, before) => {
      if (openId === before.openId && panel === before.panel) return;
      rememberThread(me.id, openId !== null && panel?.kind === "thread" ? placeOf(openId, panel.rootId) : null);
    });
    return () => {
      stop();
      forget();
    };
  }, [chat, loaded]);
}

/** Opens the thread again that was open before a reload, unless it would cover its conversation. */
function reopenThread(chat: Chat, place: string | null): void {
  const [conversationId, rootId] = place?.split(" ") ?? [];
  const isHere = conversationId === chat.state.getState().openId;
  if (isHere && rootId !== undefined && !panelCoversConversation()) chat.openPanel({ kind: "thread", rootId });
}

/** Tells the page around the frame how the connection is. */
function useHostState(): void {
  const host = useHost();
  const state = useChatState(({ connected, loaded }): HostState => {
    if (connected) return "online";
    return loaded ? "offline" : "connecting";
  });
  useEffect(() => host?.post({ type: "talkwire:state", state }), [host, state]);
}

/** Shows the number of unread messages in the title, on the page's icon, and to the page around the frame. */
function useUnreadCount(): void {
  const host = useHost();
  const isLoaded = useChatState((state) => state.loaded);
  const count = useChatState((state) => state.unreadElsewhere + totalOf(state.conversations, state.features));
  const unread = isLoaded ? count : null;
  useEffect(() => {
    if (unread !== null) host?.post({ type: "talkwire:unread", count: unread });
  }, [host, unread]);
  useEffect(() => {
    if (unread === null) return;
    document.title = unread > 0 ? `(${unread}) ${texts.name}` : texts.name;
    showBadge(unread);
  }, [unread]);
  useEffect(
    () => () => {
      document.title = texts.name;
      showBadge(0);
    },
    [],
  );
}
