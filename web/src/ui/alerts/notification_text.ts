import type { ChatNotification } from "../../server/payloads";
import { texts } from "../../texts";

/** What happened, as one line: who did what. */
export function headlineOf({ type, title }: ChatNotification): string {
  return texts.alerts.happened[type](title);
}

/** What it was about, and where; what the server no longer shows is left out. */
export function bodyOf({ body }: ChatNotification, conversationName?: string): string {
  return [conversationName, body].filter(Boolean).join(": ");
}
