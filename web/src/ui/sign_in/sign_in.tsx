import type { AccountPolicy, ServerAnswer } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { type FormEvent, useEffect, useEffectEvent, useState } from "react";
import { isFramed } from "../../embedding/framed";
import type { Api } from "../../server/api";
import type { Session } from "../../server/session";
import { texts } from "../../texts";
import { EntranceHead } from "../components/brand";
import { placeHere } from "../page/page_address";
import { DemoSignIn, useDemo } from "./demo_sign_in";
import { providerAddress } from "./provider_address";
import { useInvitedTo } from "./use_invited_to";
import "./sign_in.css";

interface Props {
  api: Api;
  /** Null: the server has not answered yet. */
  server: ServerAnswer | null;
  /** Whether it could not be reached. */
  isAway: boolean;
  /** Why the last session ended; empty at first. */
  reason: string;
  /** The code of the opened invitation link; null: none. */
  invitation: string | null;
  onSession: (session: Session, registered: boolean) => void;
  /** Called when nobody can register with the invitation any more. */
  onInvitationOver: () => void;
  /** Called when the forms are shown. */
  onShown: () => void;
}

/** What to say, and at which form; `null` before one was used. */
interface Problem {
  readonly text: string;
  readonly at: "demo" | "account" | null;
}

/** Whether the last session has ended because the reader wanted it to. */
const isOwnDoing = (reason: string): boolean =>
  [texts.ended.erased, texts.ended.logout, texts.ended.elsewhere].includes(reason);

const NO_PROBLEM: Problem = { text: "", at: null };

type Attempt = (action: () => Promise<Session>, registers?: boolean) => Promise<void>;

export function SignIn({ api, server, isAway, reason, invitation, onSession, onInvitationOver, onShown }: Props) {
  const [problem, setProblem] = useState<Problem>({ text: reason, at: null });
  const [busy, setBusy] = useState(false);
  const accounts = server?.accounts ?? null;
  const hasForms = server !== null && server.webSignIn !== "token" && accounts !== "off";

  const invitationOver = (at: Problem["at"]): void => {
    setProblem({ text: `${texts.invitation.over}. ${texts.invitation.overHint}`, at });
    onInvitationOver();
  };
  const demo = useDemo(api, isAway);
  const invitedTo = useInvitedTo(api, invitation);
  const isOver = hasForms && invitation !== null && invitedTo?.isOver === true;
  const over = useEffectEvent(() => invitationOver("account"));
  useEffect(() => {
    if (isOver) over();
  }, [isOver]);
  // Nothing moves when the last answer comes.
  const isKnown = server !== null && demo !== null && (invitation === null || invitedTo !== null);
  useEffect(() => {
    if (isKnown) onShown();
  }, [isKnown, onShown]);

  const attemptAt = async (at: Problem["at"], action: () => Promise<Session>, registers: boolean): Promise<void> => {
    setBusy(true);
    setProblem(NO_PROBLEM);
    try {
      onSession(await action(), registers);
    } catch (error) {
      if (invitation !== null && error instanceof RequestError && error.code === "forbidden") invitationOver(at);
      else setProblem({ text: (error as Error).message, at });
      setBusy(false);
    }
  };
  const attempt: Attempt = (action, registers = false) => attemptAt("account", action, registers);
  const problemAt = (at: Problem["at"]): string => (problem.at === at ? problem.text : "");
  const mayNeedForms = isKnown && !hasForms && (server.oidc === null || isFramed);
  return (
    <main className="entrance">
      <EntranceHead />
      <p className={isOwnDoing(problemAt(null)) ? undefined : "problem"} role="alert">
        {problemAt(null)}
      </p>
      {isAway && <p role="status">{texts.serverIsAway}</p>}
      {isKnown && demo.open && (
        <DemoSignIn
          users={demo.users}
          busy={busy}
          problem={problemAt("demo")}
          onEnter={(userId) => void attemptAt("demo", () => api.signInAsDemoUser(userId), false)}
        />
      )}
      {mayNeedForms && problem.text !== texts.byToken.over && <p>{texts.invitation.noAccounts}</p>}
      {isKnown && server.oidc !== null && !isFramed && <ProviderLink api={api} name={server.oidc.name} />}
      {isKnown && hasForms && (
        <AccountForm
          api={api}
          accounts={server.accounts}
          invitation={invitation}
          invitedTo={invitedTo?.names ?? ""}
          problem={problemAt("account")}
          busy={busy}
          attempt={attempt}
          onChange={() => setProblem(NO_PROBLEM)}
        />
      )}
    </main>
  );
}

/** Leads to the OpenID provider. Its page refuses to be in a frame. The tab keeps an invitation meanwhile. */
function ProviderLink({ api, name }: { api: Api; name: string }) {
  const { conversationId, messageId } = placeHere();
  const place = { conversation: conversationId, message: messageId };
  return (
    <a className="provider primary" href={providerAddress(api.base, place)}>
      {texts.byProvider.signInWith(name)}
    </a>
  );
}

interface FormProps {
  api: Api;
  accounts: AccountPolicy;
  invitation: string | null;
  /** The names of what the invitation leads to; empty: unknown, or only the server. */
  invitedTo: string;
  problem: string;
  busy: boolean;
  attempt: Attempt;
  /** Called when the reader goes to the other form. */
  onChange: () => void;
}

/** Signs in or registers. Registering is offered only where the server or an invitation allows it. */
function AccountForm({ api, accounts, invitation, invitedTo, problem, busy, attempt, onChange }: FormProps) {
  const mayRegister = accounts === "open" || invitation !== null;
  /** Null: the reader has not chosen. */
  const [chosen, setChosen] = useState<boolean | null>(null);
  const registers = mayRegister && (chosen ?? invitation !== null);
  const change = (): void => {
    setChosen(!registers);
    onChange();
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const account = { email: String(fields.get("email")), password: String(fields.get("password")) };
    const invited = invitation === null ? {} : { invitation };
    // Also when the invitation turns out to be over.
    setChosen(registers);
    if (registers) {
      const name = String(fields.get("name"));
      void attempt(() => api.register({ ...account, ...invited, name }), true);
    } else {
      void attempt(() => api.login(account));
    }
  };
  return (
    <form onSubmit={submit} aria-label={registers ? texts.register : texts.signIn}>
      <h2>{registers ? texts.register : texts.signIn}</h2>
      {invitation !== null && <p>{texts.invitation.invited(invitedTo)}</p>}
      {registers && (
        <label>
          {texts.yourName}
          <input name="name" required maxLength={100} autoComplete="name" />
        </label>
      )}
      <label>
        {texts.email}
        <input name="email" type="email" required autoComplete="email" />
      </label>
      <label>
        {texts.password}
        <input
          // The password of one form is not that of the other.
          key={String(registers)}
          name="password"
          type="password"
          required
          minLength={registers ? 8 : undefined}
          placeholder={registers ? texts.passwordHint : undefined}
          autoComplete={registers ? "new-password" : "current-password"}
        />
      </label>
      {!registers && <p className="hint">{texts.forgotPassword}</p>}
      <p className="problem" role="alert">
        {problem}
      </p>
      <button type="submit" className="primary" disabled={busy}>
        {registers ? texts.register : texts.signIn}
      </button>
      {mayRegister ? (
        <button type="button" className="quiet" onClick={change}>
          {registers ? texts.toSignIn : texts.toRegister}
        </button>
      ) : (
        <p>{texts.invitation.needed}</p>
      )}
    </form>
  );
}
