/**
 * The words with which the fragment of the page's address asks for more than a place: `#token=TOKEN`, `#signed-in`.
 * Browsers send no fragment to a server, so it is in no log and no Referer. Anybody can write such a link.
 */

import { own } from "@talkwire/client/parts";
import { useCallback, useEffect, useState } from "react";
import { addressOf } from "./place";

/** `rest`: the fragment without the word, which is the place to show. */
export type AddressWord = { readonly rest: string } & (
  | { readonly word: "token"; readonly token: string }
  | { readonly word: "signed-in"; readonly invitation: string | null }
  | { readonly word: "sign-in-problem"; readonly reason: string }
  | { readonly word: "invite"; readonly invitation: string }
);

/** Returns what a fragment with the word says; null where it is malformed. */
type Reading = (values: URLSearchParams) => AddressWord | null;

const WORDS: Readonly<Record<AddressWord["word"], Reading>> = {
  /** An application opens the page for its user, with `conversation` and `message` for the place. */
  token: (values) => ({ word: "token", token: values.get("token") ?? "", rest: placeIn(values) }),
  /** The server ends a sign-in through an OpenID provider so. The tokens are in a cookie, which no script can read. */
  "signed-in": (values) => ({ word: "signed-in", invitation: invitationIn(values), rest: placeIn(values) }),
  /** The server ends it so when it failed. */
  "sign-in-problem": (values) => ({
    word: "sign-in-problem",
    reason: values.get("sign-in-problem") ?? "",
    rest: "",
  }),
  invite: (values) => {
    const invitation = invitationIn(values);
    return invitation === null ? null : { word: "invite", invitation, rest: "" };
  },
};

function placeIn(values: URLSearchParams): string {
  const conversation = values.get("conversation");
  return conversation ? addressOf(conversation, values.get("message") ?? undefined) : "";
}

function invitationIn(values: URLSearchParams): string | null {
  return /^[\w-]{1,200}$/.exec(values.get("invite") ?? "")?.[0] ?? null;
}

/** Returns the word with which a fragment begins, and what it says; null for any other fragment. */
export function wordIn(hash: string): AddressWord | null {
  const [, word = ""] = /^#([\w-]+)(?:[=&]|$)/.exec(hash) ?? [];
  // A plus sign is a part of a token here.
  return own<Reading>(WORDS, word)?.(new URLSearchParams(hash.slice(1).replaceAll("+", "%2B"))) ?? null;
}

/** Removes the word from the address bar and from the tab's history, where others could read what it says. */
function take(): AddressWord | null {
  const found = wordIn(globalThis.location?.hash ?? "");
  if (found !== null) history.replaceState(history.state, "", location.pathname + location.search + found.rest);
  return found;
}

// At once, before the page renders and reads the address.
const first = take();

/** Returns the word with which the page was opened last, and a function that forgets it. */
export function useAddressWord(): [AddressWord | null, () => void] {
  const [word, setWord] = useState(first);
  useEffect(() => {
    const follow = (): void => {
      const found = take();
      if (found !== null) setWord(found);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const forget = useCallback(() => setWord(null), []);
  return [word, forget];
}
