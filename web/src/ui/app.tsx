import type { User } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type AddressWord, useAddressWord } from "../address_words";
import { forgetFeatures } from "../chat/conversations/known_features";
import { applyAppearance } from "../embedding/appearance";
import { isFramed } from "../embedding/framed";
import { type Host, HostContext, type HostOptions, SIGNED_OUT } from "../embedding/host";
import { memoryStorage } from "../embedding/storage_fallback";
import { Api } from "../server/api";
import { SessionStore } from "../server/session";
import { registerServiceWorker } from "../service_worker_registration";
import { texts } from "../texts";
import { whenIdle } from "../when_idle";
import { forgetLastConversation } from "./last_conversation";
import { lazyPart } from "./page/lazy_part";
import { goTo, leavePlace } from "./page/page_address";
import { signsIn } from "./sign_in/enter";
import { Connecting, Entrance } from "./sign_in/entrance";
import { useInvitation } from "./sign_in/use_invitation";
import "./components/notice.css";

/** A script of its own, so that it delays no entrance. */
const SignedIn = lazyPart(() => import("./signed_in"), "place");

/** The user has signed out here, and the server knows; or it could not be reached. */
const LEFT = "left";
const LEFT_ALONE = "leftAlone";
/** The server says more about a ban than that there is one. */
const BANNED = "banned";
/** Reasons for which this browser keeps nothing of the user. */
const GONE: ReadonlySet<string> = new Set([LEFT, LEFT_ALONE, "erased"]);

export function App() {
  const api = useMemo(() => new Api(document.baseURI, sessionStore()), []);
  const [host, setHost] = useState<Host | null>(null);
  const [word, forgetWord] = useAddressWord();
  const [me, setMe] = useState<User | null>(() => api.session?.user ?? null);
  const [reason, setReason] = useState("");
  const [invitation, forgetInvitation] = useInvitation(word);
  /** Whether the reader has registered with the invitation, and so joined. */
  const [isJoining, setJoining] = useState(false);
  const [wasSignedIn] = useState(me !== null);
  /** Whose conversation the address names. */
  const placeOwner = useRef(me?.id);
  const isEntering = me === null || signsIn(word);
  useEffect(() => {
    // The place belongs to the link, and so to the user whom it signs in.
    if (signsIn(word)) placeOwner.current = undefined;
    else if (me !== null) {
      placeOwner.current = me.id;
      forgetWord();
    }
  }, [word, me, forgetWord]);
  const enter = useCallback((user: User): void => {
    if (placeOwner.current !== undefined && placeOwner.current !== user.id) leavePlace();
    placeOwner.current = user.id;
    setMe(user);
  }, []);

  // When the user signs out in another tab, or another user signs in there, this tab follows.
  useEffect(
    () =>
      api.onSessionChange(() => {
        const user = api.session?.user;
        if (me === null) return;
        if (user === undefined) {
          // Its tokens are gone, also where the server could not be reached.
          setReason(reasonOf("elsewhere", false));
          setMe(null);
        } else if (user.id !== me.id) {
          enter(user);
        }
      }),
    [api, me, enter],
  );
  useEffect(() => {
    if (host === null) return;
    host.onOptions = applyOptions;
    host.onToken = (given) =>
      void api
        .signInWithToken(given)
        .then(({ user }) => setMe((before) => (before?.id === user.id ? before : user)))
        .catch(() => undefined);
    api.tokenSource = () => host.requestToken();
    return () => {
      host.onToken = host.onOptions = () => undefined;
      api.tokenSource = null;
    };
  }, [api, host]);
  const leave = async (why: string): Promise<void> => {
    const ban = why === BANNED ? await api.refusal() : undefined;
    const isByToken = api.session?.byToken === true;
    if (me !== null) api.forget(me.id);
    if (me !== null && GONE.has(why)) {
      forgetLastConversation(me.id);
      forgetFeatures();
      leavePlace();
    }
    setReason(ban ?? reasonOf(why, isByToken));
    setMe(null);
  };
  const over = (): void => {
    setJoining(false);
    forgetInvitation();
  };
  const stay = (): void => {
    leavePlace();
    forgetWord();
  };
  if (isEntering) {
    return (
      <Entrance
        key={keyOf(word)}
        api={api}
        host={host}
        onHost={setHost}
        word={word}
        me={me}
        reason={reason}
        invitation={invitation}
        onSession={({ user }, registered) => {
          setJoining(registered);
          setReason("");
          enter(user);
          forgetWord();
        }}
        onTokenOver={forgetWord}
        onStay={stay}
        onInvitationOver={forgetInvitation}
        onShown={loadRest}
      />
    );
  }
  return (
    <HostContext value={host}>
      <SignedIn
        key={me.id}
        api={api}
        me={me}
        invitation={invitation}
        hasJoined={isJoining}
        onInvitationOver={over}
        onLeave={(why) => void leave(why)}
        onSignOut={(isEnded) => void leave(isEnded ? LEFT : LEFT_ALONE)}
        // A reload shows no entrance in between.
        fallback={wasSignedIn ? null : <Connecting />}
        onShown={registerServiceWorker}
      />
    </HostContext>
  );
}

/** Each link resets the entrance, except for an invitation: the reader may be filling in the form. */
function keyOf(word: AddressWord | null): string {
  return word === null || word.word === "invite" ? "" : JSON.stringify(word);
}

/** Loads what the reader needs after the entrance, once nothing else is urgent. */
function loadRest(): void {
  void whenIdle().then(() => {
    void SignedIn.preload();
    registerServiceWorker();
  });
}

/** In a frame, sessions end with the page: several applications may show it, with a user each. */
function sessionStore(): SessionStore {
  if (!isFramed) return new SessionStore();
  const storage = memoryStorage();
  return new SessionStore(storage, storage);
}

function reasonOf(code: string, isByToken: boolean): string {
  if (isByToken && code === "unauthenticated") return isFramed ? texts.byToken.ended : texts.byToken.over;
  if (code === LEFT) return "";
  if (code === SIGNED_OUT) return texts.byToken.signedOut;
  return own(texts.ended, code) ?? texts.endedOtherwise;
}

/** Does what the page around the frame asks for. */
function applyOptions(options: HostOptions): void {
  applyAppearance(options);
  if (typeof options.conversation === "string" && options.conversation !== "") goTo(options.conversation);
}
