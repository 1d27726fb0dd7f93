import { own } from "../../chat/core";
/** Says what calls for attention: a sound, and the browser's notification where the reader looks elsewhere. */

import type { Alert } from "../../chat/alerts/alerts";
import type { Chat } from "../../chat/chat";
import { goTo } from "../address";
import { nameOf } from "../conversations/names";
import { show, takeAway } from "./browser_notifications";
import { bodyOf, headlineOf } from "./says";
import { play } from "./sounds";

export function announce(chat: Chat, { notification, shows }: Alert): void {
  const { id, conversationId, messageId, type, sound } = notification;
  if (sound !== undefined) void play(sound);
  if (!shows) return;
  const conversation = own(chat.state.getState().conversations, conversationId);
  // Of two people the headline names the other one already.
  const name = conversation === undefined || conversation.kind === "direct" ? undefined : nameOf(conversation);
  const body = bodyOf(notification, type === "invitation" ? undefined : name);
  show({ id, title: headlineOf(notification), body }, () => {
    goTo(conversationId, messageId);
    void chat.alerts.markRead([id]);
  });
}

export { takeAway };
