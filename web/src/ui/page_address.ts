/** The page's address: `#/conversation/ID`, or `#/conversation/ID/MESSAGE` at a message. */

export interface Place {
  readonly conversationId: string | null;
  readonly messageId?: string;
}

export function addressOf(conversationId: string, messageId?: string): string {
  const address = `#/conversation/${encodeURIComponent(conversationId)}`;
  return messageId === undefined ? address : `${address}/${encodeURIComponent(messageId)}`;
}

export function placeOf(hash: string): Place {
  const [, id, messageId] = /^#\/conversation\/([^/]+)(?:\/([^/]+))?$/.exec(hash) ?? [];
  if (id === undefined) return { conversationId: null };
  try {
    const place = { conversationId: decodeURIComponent(id) };
    return messageId === undefined ? place : { ...place, messageId: decodeURIComponent(messageId) };
  } catch {
    // The address is malformed.
    return { conversationId: null };
  }
}

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
