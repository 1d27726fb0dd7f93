/** A message from the service worker to the page. */
export type WorkerMessage =
  /** The reader clicked on the notification `id`. */
  | { readonly kind: "open"; readonly id: string; readonly conversationId: string; readonly messageId?: string }
  /** The browser has replaced its push subscription. */
  | { readonly kind: "resubscribed" };
