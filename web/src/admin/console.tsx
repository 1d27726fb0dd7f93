import { RequestError, type User } from "@talkwire/client";
import { LogOut, MessageSquare, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useAddressWord } from "../address_words";
import { texts as shared } from "../texts";
import { Logo } from "../ui/components/brand";
import { IconButton } from "../ui/components/icon_button";
import { hrefOf, useAddress } from "./address";
import { AdminApi } from "./admin_api";
import { AdminContext } from "./admin_context";
import { Problem } from "./parts/table";
import { GROUPS, SECTIONS } from "./sections";
import { SignIn } from "./sign_in";
import { SignInByLink } from "./sign_in_by_link";
import { texts } from "./texts";
import "./console.css";

/** How the reader may use the console; a text is why the server could not say. */
type Access = "unknown" | "admin" | "denied" | { problem: string };

/** The operators' console: signs in, checks the role, and shows the view that the address names. */
export function Console() {
  const api = useMemo(() => new AdminApi(), []);
  const [me, setMe] = useState<User | null>(() => api.session?.user ?? null);
  /** Whose session was there before the console took a token. The chat of this tab uses it. */
  const [ofChat] = useState(me?.id);
  const [access, setAccess] = useState<Access>("unknown");
  const [reason, setReason] = useState("");
  const enter = useCallback((user: User | null): void => {
    setAccess("unknown");
    setMe(user);
  }, []);

  useEffect(() => {
    api.onEnd = (why) => {
      setReason(why);
      enter(null);
    };
    return api.onSessionChange(() => enter(api.session?.user ?? null));
  }, [api, enter]);
  const [word, forgetWord] = useAddressWord();
  const token = word?.word === "token" ? word.token : null;
  const over = (problem: string): void => {
    setReason(problem);
    forgetWord();
    enter(api.session?.user ?? null);
  };
  const check = useCallback((): void => {
    api.get("admin/overview").then(
      () => setAccess("admin"),
      (error: Error) => {
        const isDenied = error instanceof RequestError && error.code === "forbidden";
        // Somebody else may have made the link with the token: the chat of this tab does not use it.
        const { session } = api;
        if (isDenied && session?.byToken === true && session.user.id !== ofChat) api.forget(session.user.id);
        setAccess((before) => {
          if (before === "admin") return before;
          return isDenied ? "denied" : { problem: error.message };
        });
      },
    );
  }, [api, ofChat]);
  useEffect(() => {
    if (me !== null && token === null) check();
  }, [me, token, check]);

  const signOut = async (): Promise<void> => {
    await api.logout();
    setReason("");
    enter(null);
  };
  if (token !== null) return <SignInByLink key={token} api={api} token={token} onOver={over} />;
  if (me === null) return <SignIn key={reason} api={api} reason={reason} onSession={({ user }) => enter(user)} />;
  if (access === "admin") return <Frame key={me.id} api={api} me={me} onSignOut={() => void signOut()} />;
  return (
    <main className="admin-entrance">
      <Logo size={48} />
      {access === "unknown" && <p role="status">{texts.signIn.checking}</p>}
      {access === "denied" && (
        <>
          <h1>{texts.signIn.denied}</h1>
          <p role="alert">{texts.signIn.deniedAbout(me.name)}</p>
          <p className="hint">{texts.signIn.deniedHint}</p>
          <div className="buttons">
            <a className="admin-button" href="./">
              {texts.toChat}
            </a>
            <button type="button" onClick={() => void signOut()}>
              {texts.signIn.otherUser}
            </button>
          </div>
        </>
      )}
      {typeof access === "object" && (
        <>
          <h1>{texts.signIn.unreachable}</h1>
          <Problem text={access.problem} onRetry={check} />
        </>
      )}
    </main>
  );
}

interface FrameProps {
  api: AdminApi;
  me: User;
  onSignOut: () => void;
}

function Frame({ api, me, onSignOut }: FrameProps) {
  const { section: shown, id } = useAddress();
  const current = SECTIONS.find((section) => section.id === (shown || "overview"));
  const [status, setStatus] = useState("");
  const value = useMemo(() => ({ api, say: setStatus }), [api]);
  useEffect(() => {
    if (status === "") return;
    const timer = setTimeout(() => setStatus(""), STATUS_MS);
    return () => clearTimeout(timer);
  }, [status]);
  const nav = useRef<HTMLElement>(null);
  // On narrow screens the links are one line, of which the current one may be out of sight.
  useEffect(() => {
    if (current === undefined) return;
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  useSearchKey();
  return (
    <AdminContext value={value}>
      <div className="admin">
        <button type="button" className="admin-skip" onClick={() => document.querySelector("h1")?.focus()}>
          {texts.skip}
        </button>
        <aside className="admin-side">
          <p className="admin-brand">
            <Logo size={20} />
            <span>{texts.consoleOf(shared.name)}</span>
          </p>
          <nav ref={nav} aria-label={texts.sections}>
            {GROUPS.map(({ title, sections }) => (
              <div key={title} className="admin-group">
                <p aria-hidden="true">{title}</p>
                <ul>
                  {sections.map(({ id: name, title: text, icon: Icon }) => (
                    <li key={name}>
                      <a href={hrefOf(name)} aria-current={name === current?.id ? "page" : undefined}>
                        <Icon className="icon" aria-hidden="true" />
                        {text}
                      </a>
                    </li>
                  ))}
                </ul>
              </div>
            ))}
          </nav>
          <div className="admin-account">
            <span title={texts.signedInAs(me.name)}>{me.name}</span>
            <a className="icon-button" href="./" title={texts.toChat} aria-label={texts.toChat}>
              <MessageSquare className="icon" aria-hidden="true" />
            </a>
            <IconButton icon={LogOut} label={texts.signOut} onClick={onSignOut} />
          </div>
        </aside>
        <main className="admin-main">
          {current === undefined ? (
            <h1 tabIndex={-1}>{texts.unknownSection}</h1>
          ) : id !== null && current.Item !== undefined ? (
            <current.Item key={id} id={id} />
          ) : (
            <current.List key={current.id} />
          )}
        </main>
        <div className="admin-said" role="status">
          {status !== "" && (
            <>
              <p>{status}</p>
              <IconButton icon={X} label={texts.dismiss} onClick={() => setStatus("")} />
            </>
          )}
        </div>
      </div>
    </AdminContext>
  );
}

const STATUS_MS = 6_000;

/** `/` leads to the first filter. */
function useSearchKey(): void {
  useEffect(() => {
    const follow = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if ((event.target as Element).closest("input, textarea, select, dialog")) return;
      const field = document.querySelector<HTMLElement>(".admin-tools input, .admin-tools select");
      if (field === null) return;
      event.preventDefault();
      field.focus();
    };
    addEventListener("keydown", follow);
    return () => removeEventListener("keydown", follow);
  }, []);
}
