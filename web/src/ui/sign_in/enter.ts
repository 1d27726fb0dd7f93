/** How the page signs in by itself: with a token of the application, or after a sign-in through an OpenID provider. */

import { RequestError, type ServerAnswer } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import type { AddressWord } from "../../address_words";
import { isFramed } from "../../embedding/framed";
import { type Host, hostOf } from "../../embedding/host";
import { type OtherUser, signInByLink } from "../../embedding/sign_in_by_link";
import type { Api } from "../../server/api";
import type { Session } from "../../server/session";
import { texts } from "../../texts";

/** What the page does for a server that does not answer: it shows the forms, and asks again. */
export const UNKNOWN: ServerAnswer = {
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

/** People sign in themselves, or nobody can. */
interface NotEntered {
  readonly server: ServerAnswer;
  /** Why there is no session, instead of forms; null: people sign in themselves. */
  readonly problem: string | null;
  /** What to say at the forms. */
  readonly failure?: string;
}

export type Outcome = { session: Session } | OtherUser | NotEntered;

export interface Attempt {
  readonly api: Api;
  /** The page around the frame; null outside a frame, and before the server has said which pages may be. */
  readonly host: Host | null;
  readonly onHost: (host: Host | null) => void;
  /** The word with which the page was opened; null: none. */
  readonly word: AddressWord | null;
  /** Whether a session has just ended, after which only the reader starts another one. */
  readonly isEnded: boolean;
}

/** Returns whether a word may sign in somebody, which is decided before the chat is shown. */
export const signsIn = (word: AddressWord | null): boolean => word?.word === "token" || word?.word === "signed-in";

/** Returns the text for a word that says why a sign-in failed; empty for all others. */
export function failureOf(word: AddressWord | null): string {
  if (word?.word !== "sign-in-problem") return "";
  return own(texts.byProvider.problems, word.reason) ?? texts.byProvider.failed;
}

/** Signs in the reader where that is possible without a form, and otherwise says what the page can show. */
export async function enter(attempt: Attempt): Promise<Outcome> {
  if (attempt.word?.word !== "signed-in") return enterWithoutProvider(attempt);
  const { api } = attempt;
  try {
    return { session: await api.finishProviderSignIn() };
  } catch (error) {
    // Nobody has just signed in, so this is a link like any other.
    if (api.session !== null) return { session: api.session };
    const outcome = await enterWithoutProvider(attempt);
    const hasProvider = "server" in outcome && outcome.server.oidc !== null && outcome.problem === null;
    return hasProvider ? { ...outcome, failure: refusalOf(error as Error) } : outcome;
  }
}

function refusalOf(error: Error): string {
  const isExpired = error instanceof RequestError && error.code === "unauthenticated";
  return (isExpired ? texts.byProvider.problems.expired : undefined) ?? error.message;
}

async function enterWithoutProvider({ api, host, onHost, word, isEnded }: Attempt): Promise<Outcome> {
  const token = word?.word === "token" ? word.token : null;
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
    if (token !== null) return await signInByLink(api, token);
    return { session: await api.signInWithToken(await (around as Host).requestToken()) };
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
  return (error.code === "banned" ? undefined : own(texts.ended, error.code)) ?? error.message;
}
