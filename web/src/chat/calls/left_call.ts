/** The call that a page of this browser had when it was left or reloaded: the server may not have heard of its end. */

import { storageName } from "@talkwire/client/parts";
import type { Call } from "./call_state";

/** Keeps a user's call for the next page. */
export function keepLeftCall(userId: string, call: Call): void {
  try {
    localStorage.setItem(nameOf(userId), JSON.stringify(call));
  } catch {
    // The reader is asked before the call is replaced.
  }
}

/** Returns the call that was kept, and forgets it. */
export function takeLeftCall(userId: string): Call | null {
  try {
    const kept = localStorage.getItem(nameOf(userId));
    localStorage.removeItem(nameOf(userId));
    return JSON.parse(kept ?? "null") as Call | null;
  } catch {
    return null;
  }
}

const nameOf = (userId: string): string => storageName(`talkwire.left-call.${userId}`, document.baseURI);
