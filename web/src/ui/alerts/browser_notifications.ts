/** The browser's notifications: those that the page shows, and those that the service worker has shown. */

import { needsWorker, permission } from "../../chat/alerts/permission";
import { withoutDirection } from "../../chat/people/isolated";
import { workerRegistration } from "../../service_worker_registration";

const shown = new Map<string, Notification>();

export interface Shown {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly conversationId: string;
  readonly messageId?: string | undefined;
}

/** Shows a notification without a sound, since the client plays its own. */
export async function showNotification(about: Shown, onClick: () => void): Promise<void> {
  if (permission() !== "on") return;
  const { id, body, conversationId, messageId } = about;
  const title = withoutDirection(about.title);
  const options = { body, tag: id, icon: "./icon-192.png", silent: true };
  if (needsWorker()) {
    const data = { conversationId, messageId };
    return (await workerRegistration())?.showNotification(title, { ...options, badge: "./icon-badge.png", data });
  }
  const notification = new Notification(title, options);
  shown.set(id, notification);
  notification.onclose = () => shown.delete(id);
  notification.onclick = () => {
    window.focus();
    notification.close();
    onClick();
  };
}

/** Closes notifications that were read. */
export async function closeNotifications(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    shown.get(id)?.close();
    shown.delete(id);
  }
  for (const notification of (await (await workerRegistration())?.getNotifications()) ?? [])
    if (ids.includes(notification.tag)) notification.close();
}
