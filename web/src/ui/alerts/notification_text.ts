import type { ChatNotification } from "../../server/payloads";
import { texts } from "../../texts";

/** Returns who did what, in one line. */
export function headlineOf({ type, title }: ChatNotification): string {
  return texts.alerts.happened[type](title);
}

/** Returns what it was about, and where. */
export function bodyOf({ body }: ChatNotification, conversationName?: string): string {
  return [conversationName, body].filter(Boolean).join(": ");
}
