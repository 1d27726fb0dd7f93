/** A place in the chat, as the fragment of the page's address has it: `#/conversation/ID`, or `…/ID/MESSAGE`. */

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
