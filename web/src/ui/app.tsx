import { useEffect, useMemo, useState } from "react";
import { Chat } from "../chat/chat";
import { totalUnread } from "../chat/unread";
import { Api } from "../server/api";
import type { User } from "../server/payloads";
import { texts } from "../texts";
import { Avatar } from "./avatar";
import { ChatContext, useChat, useChatState } from "./context";
import { ConversationList } from "./conversation_list";
import { ConversationView } from "./conversation_view";
import { NewConversation } from "./new_conversation";
import { SignIn } from "./sign_in";

export function App() {
  const api = useMemo(() => new Api(), []);
  const [me, setMe] = useState<User | null>(() => api.session?.user ?? null);
  const [reason, setReason] = useState("");

  const leave = (why: string): void => {
    api.forget();
    setReason(why === "" ? "" : (texts.ended[why] ?? texts.endedOtherwise));
    setMe(null);
  };
  if (me === null) return <SignIn api={api} reason={reason} onSession={(session) => setMe(session.user)} />;
  return <SignedIn key={me.id} api={api} me={me} onLeave={leave} />;
}

function SignedIn({ api, me, onLeave }: { api: Api; me: User; onLeave: (reason: string) => void }) {
  const [chat, setChat] = useState<Chat | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one chat a session, whoever is told of its end
  useEffect(() => {
    const started = new Chat(api, me);
    started.onEnd = onLeave;
    started.start();
    setChat(started);
    return () => started.stop();
  }, [api, me]);
  if (chat === null) return null;
  const signOut = async (): Promise<void> => {
    chat.stop();
    await api.logout();
    onLeave("");
  };
  return (
    <ChatContext value={chat}>
      <Screen onSignOut={() => void signOut()} />
    </ChatContext>
  );
}

function Screen({ onSignOut }: { onSignOut: () => void }) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const loaded = useChatState((state) => state.loaded);
  const open = useChatState((state) => (state.openId === null ? undefined : state.conversations[state.openId]));
  const [creates, setCreates] = useState(false);
  useAddress(loaded);
  useTitle();

  return (
    <div className={open === undefined ? "screen" : "screen open"}>
      <aside>
        <header>
          <Avatar id={me.id} name={me.name} />
          <strong>{me.name}</strong>
          <button type="button" className="quiet" onClick={() => setCreates(true)} title={texts.newConversation}>
            <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
              <path d="M8 2.5v11M2.5 8h11" />
            </svg>
            <span className="hidden">{texts.newConversation}</span>
          </button>
          <button type="button" className="quiet" onClick={onSignOut}>
            {texts.signOut}
          </button>
        </header>
        <ConversationList />
        <ConnectionLine />
      </aside>
      {open === undefined ? (
        <main className="nothing">
          <p>{loaded ? texts.pickOne : texts.connecting}</p>
        </main>
      ) : (
        <ConversationView conversation={open} />
      )}
      <Announcer />
      {creates && (
        <NewConversation
          onClose={() => setCreates(false)}
          onOpen={(id) => {
            setCreates(false);
            void chat.open(id);
            location.hash = `#/conversation/${encodeURIComponent(id)}`;
          }}
        />
      )}
    </div>
  );
}

/** Says to a screen reader what was said. */
function Announcer() {
  const announcement = useChatState((state) => state.announcement);
  return (
    <p className="hidden announcer" aria-live="polite">
      {announcement}
    </p>
  );
}

function ConnectionLine() {
  const connected = useChatState((state) => state.connected);
  const loaded = useChatState((state) => state.loaded);
  if (connected) return null;
  return (
    <p className="connection" role="status">
      {loaded ? texts.reconnecting : texts.connecting}
    </p>
  );
}

/** `#/conversation/ID` says what is open, so that a reload and the browser's buttons do what one expects. */
function useAddress(loaded: boolean): void {
  const chat = useChat();
  useEffect(() => {
    if (!loaded) return;
    const follow = (): void => {
      const id = /^#\/conversation\/(.+)$/.exec(location.hash)?.[1];
      void chat.open(id === undefined ? null : decodeURIComponent(id));
    };
    follow();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, [chat, loaded]);
}

function useTitle(): void {
  const unread = useChatState((state) => totalUnread(state.conversations));
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${texts.name}` : texts.name;
    return () => {
      document.title = texts.name;
    };
  }, [unread]);
}
