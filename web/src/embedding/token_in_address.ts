/**
 * The token with which an application opens the page: `#token=TOKEN`, and with `&conversation=ID` the conversation to
 * open. Browsers send no fragment to a server, so it is in no log and no Referer.
 */

import { useEffect, useState } from "react";
import { addressOf } from "../place";

export interface TokenAddress {
  readonly token: string;
  /** The fragment without the token. */
  readonly rest: string;
}

/** Returns the token of a fragment, and what is left; null where there is none. */
export function tokenIn(hash: string): TokenAddress | null {
  if (!hash.startsWith("#token=")) return null;
  // A plus sign is a part of a token here.
  const values = new URLSearchParams(hash.slice(1).replaceAll("+", "%2B"));
  const token = values.get("token") ?? "";
  const conversation = values.get("conversation");
  const rest = conversation ? addressOf(conversation, values.get("message") ?? undefined) : "";
  return { token, rest };
}

/** Removes the token from the address bar and from the tab's history, where others could read it. */
function take(): string | null {
  const found = tokenIn(location.hash);
  if (found === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search + found.rest);
  return found.token;
}

// At once, before the page renders.
const first = take();

/** Returns the token with which the page was opened last, and a function that forgets it. */
export function useTokenInAddress(): [string | null, () => void] {
  const [token, setToken] = useState<string | null>(first);
  useEffect(() => {
    const follow = (): void => setToken((before) => take() ?? before);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return [token, () => setToken(null)];
}
