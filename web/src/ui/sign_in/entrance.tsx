import type { ServerAnswer } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { useEffect, useState } from "react";
import { isFramed } from "../../embedding/framed";
import { type Host, hostOf } from "../../embedding/host";
import type { Api } from "../../server/api";
import type { Session } from "../../server/session";
import { texts } from "../../texts";
import { EntranceHead } from "../components/brand";
import type { ProviderReturn } from "./provider_return";
import { SignIn } from "./sign_in";
import { useLateServer } from "./use_late_server";

interface Props {
  api: Api;
  /** The page around the frame; null outside a frame, and before the server has said which pages may be. */
  host: Host | null;
  onHost: (host: Host | null) => void;
  /** The token with which the application opened the page; null: none. */
  token: string | null;
  /** How a sign-in through an OpenID provider ended that has led here; null: there was none. */
  returned: ProviderReturn | null;
  /** Why the last session ended; empty at first. */
  reason: string;
  /** The code of the opened invitation link; null: none. */
  invitation: string | null;
  onSession: (session: Session, registered: boolean) => void;
  /** Called when the page goes on without the token. */
  onTokenOver: () => void;
  /** Called when nobody can register with the invitation any more. */
  onInvitationOver: () => void;
  /** Called when the reader sees all of the entrance, or waits for the chat. */
  onShown: () => void;
}

/** What the page does for a server that does not answer: it shows the forms, and asks again. */
const UNKNOWN: ServerAnswer = {
  accounts: "open",
  webSignIn: "account",
  embedOrigins: [],
  name: "",
  description: null,
  logo: null,
  offers: false,
  offerCurrency: "EUR",
  oidc: null,
};

/** `problem`: why there is no session; empty while a token is on its way. Null: people sign in themselves. */
interface State {
  server: ServerAnswer | null;
  problem: string | null;
}

/** Signs in with a token of the application where there is one, and otherwise shows how people can sign in. */
export function Entrance({
  api,
  host,
  onHost,
  token,
  returned,
  reason,
  onSession,
  onTokenOver,
  onShown,
  ...rest
}: Props) {
  const isReturning = returned !== null && returned.problem === null;
  const isWaiting = token !== null || isFramed || isReturning;
  const [attempt, setAttempt] = useState(0);
  const [{ server, problem }, setState] = useState<State>({ server: null, problem: isWaiting ? "" : null });
  const [failure, setFailure] = useState(returned?.problem ?? "");
  // biome-ignore lint/correctness/useExhaustiveDependencies: one attempt for each token, whatever the functions are
  useEffect(() => {
    let isOver = false;
    const show = (state: State): void => {
      if (!isOver) setState(state);
    };
    void enter({ api, host, onHost, token, isReturning, isEnded: reason !== "" && attempt === 0 }).then((outcome) => {
      if (isOver) return;
      if ("failure" in outcome) setFailure(outcome.failure);
      if ("session" in outcome) onSession(outcome.session, false);
      else if (outcome.problem === null && token !== null) onTokenOver();
      else show({ ...outcome, problem: outcome.problem === "" ? reason : outcome.problem });
    });
    return () => {
      isOver = true;
    };
  }, [api, token, attempt]);

  useEffect(() => host?.post({ type: "talkwire:state", state: problem ? "ended" : "connecting" }), [host, problem]);
  const isAway = server === UNKNOWN;
  useLateServer(api, isAway && problem === null, (found) => setState({ server: found, problem: null }));
  const isConnecting = problem === "";
  useEffect(() => {
    if (isConnecting) onShown();
  }, [isConnecting, onShown]);
  if (problem === null) {
    const why = failure === "" ? reason : (texts.byProvider.problems[failure] ?? failure);
    const known = { api, server, isAway, reason: why };
    return <SignIn key={why} {...known} onSession={onSession} onShown={onShown} {...rest} />;
  }
  const tryAgain = (): void => {
    setState({ server: null, problem: "" });
    setAttempt((before) => before + 1);
  };
  if (isConnecting) return <Connecting />;
  return (
    <main className="entrance">
      <EntranceHead />
      <p role="alert">{problem}</p>
      <button type="button" className="primary" onClick={tryAgain}>
        {texts.byToken.tryAgain}
      </button>
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

/** `failure`: why the sign-in through an OpenID provider failed. */
type Outcome = { session: Session } | { server: ServerAnswer; problem: string | null; failure?: string };

interface Attempt extends Pick<Props, "api" | "host" | "onHost" | "token"> {
  /** Whether the OpenID provider has just signed the reader in. */
  isReturning: boolean;
  /** Whether a session has just ended, after which only the reader starts another one. */
  isEnded: boolean;
}

async function enter({ isReturning, ...attempt }: Attempt): Promise<Outcome> {
  if (!isReturning) return enterWithoutProvider(attempt);
  try {
    return { session: await attempt.api.finishProviderSignIn() };
  } catch (error) {
    const { server } = await attempt.api.describeServer().then(
      (found) => ({ server: found }),
      () => ({ server: UNKNOWN }),
    );
    const isExpired = error instanceof RequestError && error.code === "unauthenticated";
    return { server, problem: null, failure: isExpired ? "expired" : (error as Error).message };
  }
}

async function enterWithoutProvider({
  api,
  host,
  onHost,
  token,
  isEnded,
}: Omit<Attempt, "isReturning">): Promise<Outcome> {
  let server: ServerAnswer;
  try {
    server = await api.describeServer();
  } catch (error) {
    return { server: UNKNOWN, problem: token === null && !isFramed ? null : (error as Error).message };
  }
  if (server.webSignIn === "account") return { server, problem: null };
  const around = host ?? hostOf(server.embedOrigins);
  if (around !== host) onHost(around);
  if (token === null && around === null) return { server, problem: null };
  if (isEnded && token === null) return { server, problem: "" };
  try {
    return { session: await api.signInWithToken(token ?? (await (around as Host).requestToken())) };
  } catch (error) {
    const hasOtherWay = server.webSignIn === "both" && token === null;
    return { server, problem: hasOtherWay ? null : problemOf(error as Error) };
  }
}

/** Returns what the reader can do about a refused token. */
function problemOf(error: Error): string {
  if (!(error instanceof RequestError)) return error.message;
  if (error.code === "token_expired") return isFramed ? texts.byToken.ended : texts.byToken.over;
  if (error.code === "unauthenticated") return texts.byToken.refused(error.message);
  // Of a ban, the message says why.
  return (error.code === "banned" ? undefined : texts.ended[error.code]) ?? error.message;
}
