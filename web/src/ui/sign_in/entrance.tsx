import type { ServerAnswer, User } from "@talkwire/client";
import { useEffect, useState } from "react";
import { isFramed } from "../../embedding/framed";
import type { OtherUser } from "../../embedding/sign_in_by_link";
import type { Session } from "../../server/session";
import { texts } from "../../texts";
import { EntranceHead } from "../components/brand";
import { type Attempt, enter, failureOf, signsIn, UNKNOWN } from "./enter";
import { OtherUserQuestion, StayButton } from "./other_user";
import { SignIn } from "./sign_in";
import { useLateServer } from "./use_late_server";

interface Props extends Omit<Attempt, "isEnded"> {
  /** Who is signed in, whom only a link can lead here; null: nobody. */
  me: User | null;
  /** Why the last session ended; empty at first. */
  reason: string;
  /** The code of the opened invitation link; null: none. */
  invitation: string | null;
  onSession: (session: Session, registered: boolean) => void;
  /** Called when the page goes on without the token of the link. */
  onTokenOver: () => void;
  /** Called when the user who is signed in stays. */
  onStay: () => void;
  /** Called when nobody can register with the invitation any more. */
  onInvitationOver: () => void;
  /** Called when the reader sees all of the entrance, or waits for the chat. */
  onShown: () => void;
}

/** `problem`: why there is no session; empty while a token is on its way. Null: people sign in themselves. */
interface State {
  server: ServerAnswer | null;
  problem: string | null;
}

/** Signs in with what the page was opened with, if the reader agrees, and otherwise shows how people can sign in. */
export function Entrance({
  api,
  host,
  onHost,
  word,
  me,
  reason,
  onSession,
  onTokenOver,
  onStay,
  onShown,
  ...rest
}: Props) {
  const isWaiting = isFramed || signsIn(word);
  const [attempt, setAttempt] = useState(0);
  const [{ server, problem }, setState] = useState<State>({ server: null, problem: isWaiting ? "" : null });
  const [failure, setFailure] = useState(() => failureOf(word));
  const [question, setQuestion] = useState<OtherUser | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: one attempt for each word, whatever the functions are
  useEffect(() => {
    let isOver = false;
    const isEnded = reason !== "" && attempt === 0;
    void enter({ api, host, onHost, word, isEnded }).then((outcome) => {
      if (isOver) return;
      if ("session" in outcome) onSession(outcome.session, false);
      else if ("offered" in outcome) setQuestion(outcome);
      else if (outcome.problem === null && word?.word === "token") onTokenOver();
      else {
        setFailure((before) => outcome.failure ?? before);
        setState({ ...outcome, problem: outcome.problem === "" ? reason : outcome.problem });
      }
    });
    return () => {
      isOver = true;
    };
  }, [api, word, attempt]);

  useEffect(() => host?.post({ type: "talkwire:state", state: problem ? "ended" : "connecting" }), [host, problem]);
  const isAway = server === UNKNOWN;
  useLateServer(api, isAway && problem === null, (found) => setState({ server: found, problem: null }));
  const isConnecting = problem === "";
  useEffect(() => {
    if (isConnecting) onShown();
  }, [isConnecting, onShown]);
  if (problem === null) {
    const why = failure === "" ? reason : failure;
    const known = { api, server, isAway, reason: why };
    return <SignIn key={why} {...known} onSession={onSession} onShown={onShown} {...rest} />;
  }
  const tryAgain = (): void => {
    setState({ server: null, problem: "" });
    setAttempt((before) => before + 1);
  };
  if (question !== null) {
    const accept = (): void => void api.startByToken(question.offered).then((session) => onSession(session, false));
    return (
      <main className="entrance">
        <EntranceHead />
        <OtherUserQuestion {...question} onContinue={accept} onStay={onStay} />
      </main>
    );
  }
  if (isConnecting) return <Connecting />;
  return (
    <main className="entrance">
      <EntranceHead />
      <p role="alert">{problem}</p>
      {me !== null && <p>{texts.byToken.signedInAs(me.name)}</p>}
      <button type="button" className={me === null ? "primary" : undefined} onClick={tryAgain}>
        {texts.byToken.tryAgain}
      </button>
      {me !== null && <StayButton name={me.name} onStay={onStay} />}
    </main>
  );
}

/** What the reader sees who is about to be signed in. */
export function Connecting() {
  return (
    <main className="entrance">
      <EntranceHead />
      <p role="status">{texts.connecting}</p>
    </main>
  );
}
