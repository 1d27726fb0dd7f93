import { type FormEvent, useEffect, useState } from "react";
import type { Api } from "../../server/api";
import type { DemoSignIn as Offer } from "../../server/session";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import "./demo_sign_in.css";

interface Props {
  users: Offer["users"];
  busy: boolean;
  /** Why the last attempt failed; empty: nothing to say. */
  problem: string;
  onEnter: (userId: string) => void;
}

/** Returns the users of a demo server; null until the server has answered. Asks again when it is no longer away. */
export function useDemo(api: Api, isAway: boolean): Offer | null {
  const [offer, setOffer] = useState<Offer | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a server that is back is asked again
  useEffect(() => void api.demoSignIn().then(setOffer), [api, isAway]);
  return offer;
}

/** The users of a demo server, and a field for any other user id. */
export function DemoSignIn({ users, busy, problem, onEnter }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    onEnter(String(new FormData(event.currentTarget).get("userId")));
  };
  return (
    <section aria-label={texts.demo}>
      <h2>{texts.demo}</h2>
      <div className="demo-people">
        {users.map(({ id, name, role, picture }) => (
          <button key={id} type="button" disabled={busy} onClick={() => onEnter(id)}>
            <Face id={id} name={name} picture={picture} />
            <span>
              <strong>{name}</strong> <span className="demo-role">{role}</span>
            </span>
          </button>
        ))}
      </div>
      <form onSubmit={submit} className="demo-other">
        <label>
          {texts.demoOther}
          <input name="userId" required maxLength={100} autoComplete="off" autoCapitalize="off" spellCheck={false} />
        </label>
        <button type="submit" disabled={busy}>
          {texts.demoEnter}
        </button>
      </form>
      <p className="problem" role="alert">
        {problem}
      </p>
    </section>
  );
}

/** The picture of a user, or the initial once the user has another picture, which only those who are signed in see. */
function Face({ id, name, picture }: { id: string; name: string; picture: string }) {
  const [isGone, setGone] = useState(false);
  if (isGone) return <Avatar id={id} name={name} />;
  return <img src={picture} alt="" width={40} height={40} onError={() => setGone(true)} />;
}
