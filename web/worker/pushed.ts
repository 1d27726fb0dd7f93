/** What the server pushes, and how a notification shows it. All functions are pure. */

import type { ChatNotification } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import type { PushContext } from "../src/chat/push/push_context";
import { pushedTexts } from "../src/languages/pushed_texts";
import { bodyOf, headlineOf } from "../src/ui/alerts/notification_text";

/** A notification. A server may keep texts and names to itself, as its operator has chosen. */
export type PushedNotification = Partial<ChatNotification> & { readonly id: string; readonly badge?: number };

/** Notifications that were read on another device. */
export interface Dismissal {
  readonly type: "dismiss";
  readonly ids: readonly string[];
  readonly badge?: number;
}

/** What a click needs. */
export interface ShownData {
  readonly conversationId?: string;
  readonly messageId?: string;
}

export interface Shown {
  readonly title: string;
  readonly options: NotificationOptions & { readonly tag: string; readonly data: ShownData };
}

export function isDismissal(pushed: PushedNotification | Dismissal): pushed is Dismissal {
  return pushed.type === ("dismiss" as string);
}

/** Returns what the browser shows for a notification. `tags`: the browser's languages. */
export function shownFor(
  pushed: PushedNotification,
  { names, pictures, language }: PushContext,
  tags: readonly string[] = [],
): Shown {
  const { id, conversationId, messageId, actorId, createdAt, sound, quiet } = pushed;
  const texts = pushedTexts(language === undefined ? tags : [language]);
  const picture = entryOf(pictures, conversationId) ?? entryOf(pictures, actorId);
  const options = {
    tag: id,
    body: bodyOf(pushed, entryOf(names, conversationId), texts),
    icon: picture?.url ?? "./icon-192.png",
    badge: "./icon-badge.png",
    silent: sound === undefined || quiet === true,
    data: { ...(conversationId !== undefined && { conversationId }), ...(messageId !== undefined && { messageId }) },
    ...(createdAt !== undefined && { timestamp: Date.parse(createdAt) }),
  };
  return { title: headlineOf(pushed, texts), options };
}

function entryOf<T>(entries: Readonly<Record<string, T>>, id: string | undefined): T | undefined {
  return id === undefined ? undefined : own(entries, id);
}
