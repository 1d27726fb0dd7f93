/** What the operator has switched on, as the server said last: a page that starts without the server shows it too. */

import { storageName } from "@talkwire/client/parts";
import type { Features } from "./unread";

const key = (): string => storageName("talkwire.features", document.baseURI);

/** Returns the features that the server named last; undefined if it never did. */
export function knownFeatures(): Features | undefined {
  try {
    return JSON.parse(localStorage.getItem(key()) ?? "") as Features;
  } catch {
    return undefined;
  }
}

export function rememberFeatures(features: Features): void {
  try {
    localStorage.setItem(key(), JSON.stringify(features));
  } catch {
    // The storage is full: the next page waits for the server.
  }
}

export function forgetFeatures(): void {
  localStorage.removeItem(key());
}
