import type { ServerAnswer } from "@talkwire/client";
import { type FormEvent, useEffect, useState } from "react";
import type { Session } from "../server/session";
import { Logo } from "../ui/components/brand";
import type { AdminApi } from "./admin_api";
import { texts } from "./texts";

interface Props {
  api: AdminApi;
  /** Why the last session ended; empty at first. */
  reason: string;
  onSession: (session: Session) => void;
}

/** Signs in with an account, as in the chat, or with a token. */
export function SignIn({ api, reason, onSession }: Props) {
  const [server, setServer] = useState<ServerAnswer | null>(null);
  const [problem, setProblem] = useState(reason);
  const [busy, setBusy] = useState(false);
  const [choosesToken, setChoosesToken] = useState(false);
  useEffect(() => {
    api.describeServer().then(setServer, (error: Error) => setProblem(error.message));
  }, [api]);
  const hasAccounts = server !== null && server.accounts !== "off" && server.webSignIn !== "token";
  const isByToken = choosesToken || (server !== null && !hasAccounts);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      const account = { email: String(fields.get("email")), password: String(fields.get("password")) };
      onSession(await (isByToken ? api.signInWithToken(String(fields.get("token")).trim()) : api.login(account)));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <main className="admin-entrance">
      <Logo size={48} />
      <h1>{texts.signIn.title}</h1>
      <p className="hint">{texts.signIn.about}</p>
      {server?.oidc && (
        <>
          <a className="admin-button" href={new URL("api/v1/auth/oidc", api.base).href}>
            {texts.signIn.withProvider(server.oidc.name)}
          </a>
          <p className="hint">{texts.signIn.afterProvider}</p>
        </>
      )}
      <form onSubmit={(event) => void submit(event)} aria-label={texts.signIn.title}>
        {isByToken ? (
          <label>
            {texts.signIn.token}
            <input name="token" type="password" required autoComplete="off" />
            <span className="hint">{texts.signIn.tokenHint}</span>
          </label>
        ) : (
          <>
            <label>
              {texts.signIn.email}
              <input name="email" type="email" required autoComplete="email" />
            </label>
            <label>
              {texts.signIn.password}
              <input name="password" type="password" required autoComplete="current-password" />
            </label>
          </>
        )}
        <p className="problem" role="alert">
          {problem}
        </p>
        <button type="submit" className="primary" disabled={busy || server === null}>
          {texts.signIn.action}
        </button>
        {hasAccounts && !choosesToken && (
          <button type="button" className="quiet" onClick={() => setChoosesToken(true)}>
            {texts.signIn.withToken}
          </button>
        )}
      </form>
    </main>
  );
}
