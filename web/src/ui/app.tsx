import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Chat } from "../chat/chat";
import { totalUnread } from "../chat/conversations/conversations_by_id";
import { own } from "../chat/own";
import { Api } from "../server/api";
import type { User } from "../server/payloads";
import { texts } from "../texts";
import { useAlerts } from "./alerts/use_alerts";
import { showBadge } from "./app_badge";
import { CallGate } from "./calls/call_gate";
import { ChatContext, useChat, useChatState } from "./chat_context";
import { Notice } from "./components/notice";
import { ConversationView } from "./conversation/conversation_view";
import { UnavailableConversation } from "./conversation/unavailable_conversation";
import { focusComposer, focusMessages } from "./keyboard/focus";
import { Keyboard } from "./keyboard/keyboard";
import { followAddress } from "./page_address";
import { Sidebar } from "./sidebar/sidebar";
import { AcceptInvitation, JoinDialog } from "./sign_in/join_dialog";
import { SignIn } from "./sign_in/sign_in";
import { useInvitation } from "./sign_in/use_invitation";
import "./app.css";

export function App() {
  const api = useMemo(() => new Api(), []);
  const [me, setMe] = useState<User | null>(() => api.session?.user ?? null);
  const [reason, setReason] = useState("");
  const [invitation, forgetInvitation] = useInvitation();
  /** Whether the reader has registered with the invitation, and so joined. */
  const [isJoining, setJoining] = useState(false);

  // When another user signs in in another tab, this tab follows.
  useEffect(
    () =>
      api.onSessionChange(() => {
        const user = api.session?.user;
        if (user !== undefined) setMe((before) => (before === null || before.id === user.id ? before : user));
      }),
    [api],
  );
  const leave = (why: string): void => {
    if (me !== null) api.forget(me.id);
    setReason(why === "" ? "" : (texts.ended[why] ?? texts.endedOtherwise));
    setMe(null);
  };
  const over = (): void => {
    setJoining(false);
    forgetInvitation();
  };
  if (me === null) {
    return (
      <SignIn
        api={api}
        reason={reason}
        invitation={invitation}
        onSession={({ user }, registered) => {
          setJoining(registered);
          setMe(user);
        }}
        onInvitationOver={forgetInvitation}
      />
    );
  }
  return (
    <SignedIn key={me.id} api={api} me={me} onLeave={leave}>
      {invitation !== null &&
        (isJoining ? (
          <AcceptInvitation key={invitation} code={invitation} onDone={over} />
        ) : (
          <JoinDialog key={invitation} code={invitation} onClose={over} />
        ))}
    </SignedIn>
  );
}

interface SignedInProps {
  api: Api;
  me: User;
  onLeave: (reason: string) => void;
  /** What is in front of everything else. */
  children: ReactNode;
}

function SignedIn({ api, me, onLeave, children }: SignedInProps) {
  const [chat, setChat] = useState<Chat | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one chat per session, whatever `onLeave` is
  useEffect(() => {
    const started = new Chat(api, me);
    started.onEnd = onLeave;
    started.start();
    setChat(started);
    return () => started.stop();
  }, [api, me]);
  if (chat === null) return null;
  const signOut = async (): Promise<void> => {
    await chat.end();
    await api.logout();
    onLeave("");
  };
  return (
    <ChatContext value={chat}>
      <Screen onSignOut={() => void signOut()} />
      {children}
    </ChatContext>
  );
}

function Screen({ onSignOut }: { onSignOut: () => void }) {
  const loaded = useChatState((state) => state.loaded);
  const isOpen = useChatState(
    ({ openId, conversations }) => openId !== null && own(conversations, openId) !== undefined,
  );
  const isSomewhere = useChatState(({ openId }) => openId !== null);
  const hasPanel = useChatState((state) => state.panel !== null);
  useAddress(loaded);
  useUnreadCount();
  useAlerts();
  const classes = ["screen", loaded && isSomewhere && "open", hasPanel && "with-panel"].filter(Boolean).join(" ");
  return (
    <div className={classes}>
      {isOpen ? <SkipLinks /> : <h1 className="hidden">{texts.name}</h1>}
      <Sidebar onSignOut={onSignOut} />
      <Opened />
      <Announcer />
      <Notice />
      <CallGate />
      <Keyboard />
    </div>
  );
}

/** A component of its own, so that messages of the open conversation do not render the rest again. */
function Opened() {
  const loaded = useChatState((state) => state.loaded);
  const openId = useChatState((state) => state.openId);
  const open = useChatState((state) => (state.openId === null ? undefined : own(state.conversations, state.openId)));
  if (open !== undefined) return <ConversationView conversation={open} />;
  return (
    <main className="nothing">
      {loaded && openId !== null ? (
        <UnavailableConversation key={openId} id={openId} />
      ) : (
        <p>{loaded ? texts.pickOne : texts.connecting}</p>
      )}
    </main>
  );
}

/** Links past the list of conversations, for readers who use Tab. */
function SkipLinks() {
  return (
    <nav className="skip" aria-label={texts.skip}>
      <button type="button" onClick={focusMessages}>
        {texts.skipToMessages}
      </button>
      <button type="button" onClick={focusComposer}>
        {texts.skipToComposer}
      </button>
    </nav>
  );
}

/** Announces new messages to screen readers. */
function Announcer() {
  const announcement = useChatState((state) => state.announcement);
  return (
    <p className="hidden announcer" aria-live="polite">
      {announcement}
    </p>
  );
}

/** Follows the page's address, so that a reload and the browser's buttons work as expected. */
function useAddress(loaded: boolean): void {
  const chat = useChat();
  useEffect(
    () =>
      loaded ? followAddress(({ conversationId, messageId }) => void chat.open(conversationId, messageId)) : undefined,
    [chat, loaded],
  );
}

/** Shows the number of unread messages in the title and on the page's icon. */
function useUnreadCount(): void {
  const unread = useChatState((state) => (state.loaded ? totalUnread(state.conversations) : null));
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
