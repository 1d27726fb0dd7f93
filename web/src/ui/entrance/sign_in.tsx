import { type FormEvent, useEffect, useState } from "react";
import type { Api } from "../../server/api";
import type { Session } from "../../server/session";
import { texts } from "../../texts";
import "./sign_in.css";

interface Props {
  api: Api;
  /** Why the last session is over; empty at first. */
  reason: string;
  onSession: (session: Session) => void;
}

export function SignIn({ api, reason, onSession }: Props) {
  const [registers, setRegisters] = useState(false);
  const [problem, setProblem] = useState(reason);
  const [busy, setBusy] = useState(false);
  const [demoUsers, setDemoUsers] = useState<readonly string[]>([]);
  useEffect(() => void api.demoUsers().then(setDemoUsers), [api]);

  const attempt = async (action: () => Promise<Session>): Promise<void> => {
    setBusy(true);
    setProblem("");
    try {
      onSession(await action());
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const account = { email: String(fields.get("email")), password: String(fields.get("password")) };
    void attempt(() =>
      registers ? api.register({ ...account, name: String(fields.get("name")) }) : api.login(account),
    );
  };

  return (
    <main className="entrance">
      <h1>{texts.name}</h1>
      {demoUsers.length > 0 && (
        <section className="demo" aria-label={texts.demo}>
          <h2>{texts.demo}</h2>
          <div className="buttons">
            {demoUsers.map((id) => (
              <button key={id} type="button" disabled={busy} onClick={() => void attempt(() => api.enterAs(id))}>
                {id}
              </button>
            ))}
          </div>
        </section>
      )}
      <form onSubmit={submit} aria-label={registers ? texts.register : texts.signIn}>
        <h2>{registers ? texts.register : texts.signIn}</h2>
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
            name="password"
            type="password"
            required
            minLength={registers ? 8 : undefined}
            placeholder={registers ? texts.passwordHint : undefined}
            autoComplete={registers ? "new-password" : "current-password"}
          />
        </label>
        <p className="problem" role="alert">
          {problem}
        </p>
        <button type="submit" className="primary" disabled={busy}>
          {registers ? texts.register : texts.signIn}
        </button>
        <button type="button" className="quiet" onClick={() => setRegisters(!registers)}>
          {registers ? texts.toSignIn : texts.toRegister}
        </button>
      </form>
    </main>
  );
}
