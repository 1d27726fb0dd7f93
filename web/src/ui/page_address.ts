/** What is open, as the page's address says it: `#/conversation/ID`, and `#/conversation/ID/MESSAGE` at a message. */

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
    // Whoever wrote this address, it leads nowhere.
    return { conversationId: null };
  }
}

/** The same for who is elsewhere. */
export function linkTo(conversationId: string, messageId: string): string {
  return new URL(addressOf(conversationId, messageId), location.href).href;
}

/** Goes there as if the reader had followed a link; again, where they are there already. */
export function goTo(conversationId: string, messageId?: string): void {
  const address = addressOf(conversationId, messageId);
  if (location.hash === address) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = address;
}

/** Tells where the page is, now and each time that changes. Answers what ends that. */
export function followAddress(go: (place: Place) => void): () => void {
  const follow = (): void => go(placeOf(location.hash));
  follow();
  addEventListener("hashchange", follow);
  return () => removeEventListener("hashchange", follow);
}
