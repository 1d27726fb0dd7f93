import { RequestError, type ServerAnswer } from "@talkwire/client";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { wordIn } from "../src/address_words";
import type { Api } from "../src/server/api";
import type { Session } from "../src/server/session";
import { enter, failureOf, signsIn, UNKNOWN } from "../src/ui/sign_in/enter";
import { OtherUserQuestion } from "../src/ui/sign_in/other_user";

const sessionOf = (id: string): Session => ({ user: { id, name: id, createdAt: "", kind: "person" }, accessToken: id });
const refused = () => new RequestError({ code: "unauthenticated", message: "no" });

/** A server that accepts the token `of-bob`; `returned`: whom the OpenID provider has just signed in. */
function apiOf(user: string | null, server: Partial<ServerAnswer>, returned: string | null) {
  let session = user === null ? null : sessionOf(user);
  const start = (next: Session): Session => {
    session = next;
    return next;
  };
  return {
    get session() {
      return session;
    },
    describeServer: async () => ({ ...UNKNOWN, webSignIn: "both", oidc: null, ...server }) as ServerAnswer,
    sessionOfToken: async (token: string) => {
      if (!token.startsWith("of-")) throw refused();
      return sessionOf(token.slice(3));
    },
    startByToken: async (given: Session) => start(given),
    finishProviderSignIn: async () => {
      if (returned === null) throw refused();
      return start(sessionOf(returned));
    },
  } as unknown as Api;
}

/** Returns what a page shows that is opened so, and who is signed in then. */
async function opened(hash: string, user: string | null, { server = {}, returned = null }: Options): Promise<string> {
  const api = apiOf(user, server, returned);
  const word = wordIn(hash);
  if (user !== null && !signsIn(word)) return `chat of ${user}`;
  const outcome = await enter({ api, host: null, onHost: () => undefined, word, isEnded: false });
  const isSame = api.session?.user.id === user || (api.session === null && user === null);
  if ("session" in outcome) return `chat of ${outcome.session.user.id}`;
  if (!isSame) return "a session that nobody asked for";
  if ("offered" in outcome) return `${outcome.current.id} or ${outcome.offered.user.id}?`;
  if (outcome.problem !== null) return `problem: ${outcome.problem}`;
  return `form: ${outcome.failure ?? failureOf(word)}`;
}

interface Options {
  readonly server?: Partial<ServerAnswer>;
  readonly returned?: string | null;
}

const TEAM = { oidc: { name: "Team" } };
const REFUSED = "problem: The server did not accept the sign-in of your application: no";
const EXPIRED = "form: The sign-in took too long, or was started in another tab. Please sign in again.";
const FAILED = "form: The sign-in failed. Please try again.";

/** A fragment, then what the page shows to nobody, to the user of the link (Bob), and to another one (Alice). */
const ROWS: readonly [string, string, string, string, Options?][] = [
  ["#token=of-bob", "chat of bob", "chat of bob", "alice or bob?"],
  ["#token=of-bob&conversation=x", "chat of bob", "chat of bob", "alice or bob?"],
  ["#token=junk", REFUSED, REFUSED, REFUSED],
  ["#token=", REFUSED, REFUSED, REFUSED],
  ["#token=of-bob", "form: ", "form: ", "form: ", { server: { webSignIn: "account" } }],
  ["#signed-in", "chat of bob", "chat of bob", "chat of bob", { server: TEAM, returned: "bob" }],
  ["#signed-in", EXPIRED, "chat of bob", "chat of alice", { server: TEAM }],
  ["#signed-in", "form: ", "chat of bob", "chat of alice"],
  ["#sign-in-problem=banned", "form: Your account was banned.", "chat of bob", "chat of alice"],
  ["#sign-in-problem=Call%20555-0100", FAILED, "chat of bob", "chat of alice"],
  ["#sign-in-problem=constructor", FAILED, "chat of bob", "chat of alice"],
  ["#sign-in-problem", FAILED, "chat of bob", "chat of alice"],
  ["#invite=abc", "form: ", "chat of bob", "chat of alice"],
  ["#constructor", "form: ", "chat of bob", "chat of alice"],
  ["#__proto__", "form: ", "chat of bob", "chat of alice"],
  ["#toString=1", "form: ", "chat of bob", "chat of alice"],
];

it.each(ROWS)("%s", async (hash, toNobody, toSame, toOther, options = {}) => {
  const shown = await Promise.all([null, "bob", "alice"].map((user) => opened(hash, user, options)));
  expect(shown).toEqual([toNobody, toSame, toOther]);
});

it("a user who signs in elsewhere while a link is checked is asked too", async () => {
  const api = apiOf(null, {}, null);
  const checked = api.sessionOfToken;
  api.sessionOfToken = async (token) => {
    await api.startByToken(sessionOf("alice"));
    return checked(token);
  };
  const word = wordIn("#token=of-bob");
  const outcome = await enter({ api, host: null, onHost: () => undefined, word, isEnded: false });
  expect(outcome).toMatchObject({ current: { id: "alice" }, offered: { user: { id: "bob" } } });
});

it("a link that signs in a user of the same name says who that is", () => {
  const userOf = (id: string, name: string) => ({ id, name, createdAt: "", kind: "person" as const });
  const asked = (name: string): string => {
    const offered = { user: userOf("mallory", name) };
    const rest = { onContinue: () => undefined, onStay: () => undefined };
    return renderToStaticMarkup(createElement(OtherUserQuestion, { current: userOf("ann", "Ann"), offered, ...rest }));
  };
  expect(asked("ANN")).toContain("You are signed in as Ann @ann. This link signs in as ANN @mallory.");
  expect(asked("Ben")).toContain("You are signed in as Ann. This link signs in as Ben.");
});
