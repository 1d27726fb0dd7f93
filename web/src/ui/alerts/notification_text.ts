import type { ChatNotification } from "@talkwire/client";
import { plainText } from "../../chat/messages/plain_text";
import type { PushedTexts } from "../../languages/translation";
import { happened, somethingHappened } from "../../texts";

/** A server may push less of a notification than it stores. */
export type Worded = Partial<Pick<ChatNotification, "id" | "type" | "title" | "body" | "offerId" | "outcome">>;

const PAGE_TEXTS: PushedTexts = { happened, somethingHappened };

/**
 * Returns who did what, in one line. A type that this client does not know is a message. The service worker has texts of
 * its own, since it has no page whose language it could use.
 */
export function headlineOf(
  { id, type = "message", title = "", body = "", offerId, outcome }: Worded,
  texts = PAGE_TEXTS,
): string {
  if (outcome === "remove") return texts.happened.removal(body);
  if (type === "moderation") {
    const isReporter = outcome === "dismissed" || outcome === "resolved";
    return outcome === undefined ? texts.somethingHappened : texts.happened.moderation(isReporter);
  }
  if (title === "") return texts.somethingHappened;
  // The notification of a new offer has the offer's id.
  if (type === "offer") return texts.happened.offer(title, id === offerId);
  return (texts.happened[type] ?? texts.happened.message)(title);
}

/** Returns what it was about, and where, without Markdown syntax. An invitation's text is a conversation's name. */
export function bodyOf(
  { type, body = "", outcome }: Worded,
  conversationName?: string,
  { happened } = PAGE_TEXTS,
): string {
  if (outcome === "remove") return "";
  if (type === "invitation") return body;
  const text = plainText(body).trim();
  return conversationName && text ? happened.about(conversationName, text) : conversationName || text;
}
