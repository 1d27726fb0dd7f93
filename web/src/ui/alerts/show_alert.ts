/** Announces a notification: a sound, and the browser's notification when the reader looks elsewhere. */

import { own } from "@talkwire/client/parts";
import type { Alert } from "../../chat/alerts/alerts";
import type { Chat } from "../../chat/chat";
import { nameOf } from "../components/conversation_names";
import { goTo } from "../page/page_address";
import { closeNotifications, showNotification } from "./browser_notifications";
import { bodyOf, headlineOf } from "./notification_text";
import { play } from "./sounds";

export function showAlert(chat: Chat, { notification, showsNotification }: Alert): void {
  const { id, conversationId, messageId, sound } = notification;
  if (sound !== undefined) void play(sound);
  if (!showsNotification) return;
  const conversation = own(chat.state.getState().conversations, conversationId);
  // In a direct conversation the headline already names the other user.
  const name = conversation === undefined || conversation.kind === "direct" ? undefined : nameOf(conversation);
  const about = { id, title: headlineOf(notification), body: bodyOf(notification, name), conversationId, messageId };
  void showNotification(about, () => {
    goTo(conversationId, messageId);
    void chat.alerts.markRead([id]);
  });
}

export { closeNotifications };
