/**
 * How a sign-in through an OpenID provider ends: the server leads the browser to `#signed-in`, with the place to show, or
 * to `#sign-in-problem=REASON`. No token is in the address: the browser has it in a cookie, which no script can read.
 */

import { useState } from "react";
import { addressOf } from "../../place";
import { keepInvitation } from "./use_invitation";

export interface ProviderReturn {
  /** Why the sign-in failed; null: the tokens can be fetched. */
  readonly problem: string | null;
  /** The code of an invitation to ask about; null: none. */
  readonly invitation: string | null;
  /** The fragment without all this. */
  readonly rest: string;
}

/** Returns what a fragment says about a sign-in; null where there is none. */
export function returnIn(hash: string): ProviderReturn | null {
  const values = new URLSearchParams(hash.slice(1));
  const problem = values.get("sign-in-problem");
  if (problem !== null) return { problem, invitation: null, rest: "" };
  if (!/^#signed-in(&|$)/.test(hash)) return null;
  const conversation = values.get("conversation");
  const rest = conversation ? addressOf(conversation, values.get("message") ?? undefined) : "";
  return { problem: null, invitation: values.get("invite"), rest };
}

/** Returns the address that leads to the provider, and afterwards to this place. */
export function providerAddress(base: string, place: Readonly<Record<string, string | null | undefined>>): string {
  const address = new URL("api/v1/auth/oidc", base);
  for (const [name, value] of Object.entries(place)) if (value) address.searchParams.set(name, value);
  return address.href;
}

function take(): ProviderReturn | null {
  const found = returnIn(location.hash);
  if (found === null) return null;
  if (found.invitation !== null) keepInvitation(found.invitation);
  history.replaceState(history.state, "", location.pathname + location.search + found.rest);
  return found;
}

// At once, before the page renders and reads the address.
const first = take();

/** Returns how the sign-in ended that has led to this page, and a function that forgets it. */
export function useProviderReturn(): [ProviderReturn | null, () => void] {
  const [found, setFound] = useState(first);
  return [found, () => setFound(null)];
}
