import type { ChatNotification } from "../../server/payloads";
import { happened, somethingHappened } from "../../texts";

/** A server may push less of a notification than it stores. */
export type Worded = Partial<Pick<ChatNotification, "type" | "title" | "body">>;

/** Returns who did what, in one line. A type that this client does not know is a message. */
export function headlineOf({ type = "message", title = "" }: Worded): string {
  return title === "" ? somethingHappened : (happened[type] ?? happened.message)(title);
}

/** Returns what it was about, and where. An invitation's text is the conversation's name already. */
export function bodyOf({ type, body }: Worded, conversationName?: string): string {
  return [type === "invitation" ? undefined : conversationName, body].filter(Boolean).join(": ");
}
