/** The page's address, which says what is open. */

import { addressOf, type Place, placeOf } from "../place";

/** Returns a link for others. */
export function linkTo(conversationId: string, messageId: string): string {
  return new URL(addressOf(conversationId, messageId), location.href).href;
}

/** Opens a conversation like a link does; opens it again when it is already open. */
export function goTo(conversationId: string, messageId?: string): void {
  const address = addressOf(conversationId, messageId);
  if (location.hash === address) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = address;
}

/** Calls `go` with the current place, and at each change. Returns a function that ends this. */
export function followAddress(go: (place: Place) => void): () => void {
  const follow = (): void => go(placeOf(location.hash));
  follow();
  addEventListener("hashchange", follow);
  return () => removeEventListener("hashchange", follow);
}
