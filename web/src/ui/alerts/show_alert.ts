/**
 * Announces a notification: a sound, and the browser's notification when the reader looks elsewhere; a toast when they look
 * at another conversation.
 */

import type { ChatNotification } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { AlertToasts } from "../../chat/alerts/alert_toasts";
import type { Alert } from "../../chat/alerts/alerts";
import type { Chat } from "../../chat/chat";
import { isCompact } from "../../embedding/appearance";
import { happened, texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { goTo } from "../page/page_address";
import { closeNotifications, showNotification } from "./browser_notifications";
import { bodyOf, headlineOf } from "./notification_text";
import { play } from "./sounds";

/** These have a number in the list of conversations, and a window of their own. */
const SHOWN_OTHERWISE: ReadonlySet<string> = new Set(["message", "missed-call"]);

const toasts = new WeakMap<Chat, AlertToasts>();

/** Returns the toasts of a chat, until they are stopped. */
export function toastsOf(chat: Chat): AlertToasts {
  const found = toasts.get(chat) ?? new AlertToasts(chat.state);
  toasts.set(chat, found);
  return found;
}

export function stopToasts(chat: Chat): void {
  toasts.get(chat)?.stop();
  toasts.delete(chat);
}

export function showAlert(chat: Chat, { notification, showsNotification }: Alert): void {
  const { id, conversationId, messageId, sound, type } = notification;
  if (sound !== undefined) void play(sound);
  const { conversations, openId } = chat.state.getState();
  const conversation = own(conversations, conversationId);
  // In a direct conversation the headline already names the other user.
  const name = conversation === undefined || conversation.kind === "direct" ? undefined : nameOf(conversation);
  if (!showsNotification) {
    // Without the list, nothing would lead back.
    const isShown = openId === conversationId || SHOWN_OTHERWISE.has(type) || isCompact();
    if (!isShown) toastsOf(chat).add({ id, text: elsewhereOf(notification, name), conversationId, messageId });
    return;
  }
  const about = { id, title: headlineOf(notification), body: bodyOf(notification, name), conversationId, messageId };
  void showNotification(about, () => {
    goTo(conversationId, messageId);
    void chat.alerts.markRead([id]);
  });
}

/** Returns who did what in a conversation that is not open, in one line. Direct conversations have no `conversationName`. */
function elsewhereOf(notification: ChatNotification, conversationName?: string): string {
  const { type, title } = notification;
  const { elsewhere } = texts;
  if (title !== "" && type === "direct") return elsewhere.direct(title);
  if (title !== "" && conversationName !== undefined && (type === "mention" || type === "reply"))
    return elsewhere[type](title, conversationName);
  const headline = headlineOf(notification);
  return conversationName === undefined ? headline : happened.about(conversationName, headline);
}

export { closeNotifications };
