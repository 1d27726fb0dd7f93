/** Shows what the server pushes while no page is connected, and leads from there into the chat. */

import { AlertClaims } from "../src/chat/alerts/alert_claims";
import { PushContextStore } from "../src/chat/push/push_context";
import type { WorkerMessage } from "../src/chat/push/worker_message";
import { addressOf } from "../src/place";
import { type Dismissal, isDismissal, type PushedNotification, type ShownData, shownFor } from "./pushed";

declare const self: ServiceWorkerGlobalScope;

const PAGE = new URL("./", self.location.href).href;

const contexts = new PushContextStore(self.location.href);

self.addEventListener("push", (event) => {
  if (event.data !== null) event.waitUntil(received(event.data.json() as PushedNotification | Dismissal));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.tag, event.notification.data as ShownData));
});

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(subscribeAgain(event));
});

async function received(pushed: PushedNotification | Dismissal): Promise<void> {
  if (isDismissal(pushed)) await close(pushed.ids);
  else await show(pushed);
  // Only browsers that can install pages have it.
  if (pushed.badge !== undefined) await self.navigator.setAppBadge?.(pushed.badge);
}

/** Shows a notification, unless a page has announced it already, or the reader has signed out. */
async function show(pushed: PushedNotification): Promise<void> {
  const context = await contexts.read();
  if (context === undefined || !(await new AlertClaims(context.userId).take(pushed.id))) return;
  const { title, options } = shownFor(pushed, context, self.navigator.languages);
  await self.registration.showNotification(title, options);
}

async function close(ids: readonly string[]): Promise<void> {
  for (const notification of await self.registration.getNotifications())
    if (ids.includes(notification.tag)) notification.close();
}

/** Shows a conversation in an open page, or in a new one. */
async function open(id: string, { conversationId, messageId }: ShownData): Promise<void> {
  const [page] = await pages();
  if (page === undefined) {
    const address = conversationId === undefined ? "" : addressOf(conversationId, messageId);
    await self.clients.openWindow(PAGE + address);
    return;
  }
  const place = { ...(messageId !== undefined && { messageId }) };
  if (conversationId !== undefined) tell(page, { kind: "open", id, conversationId, ...place });
  await page.focus();
}

/** The browser has ended the subscription. Pages tell the server of the next one, now or when one is opened. */
async function subscribeAgain({ oldSubscription, newSubscription }: PushSubscriptionChangeEvent): Promise<void> {
  const applicationServerKey = oldSubscription?.options.applicationServerKey ?? null;
  if (newSubscription === null && applicationServerKey !== null)
    await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  for (const page of await pages()) tell(page, { kind: "resubscribed" });
}

/** Returns the open pages of this chat, the one that the reader looked at last first. */
async function pages(): Promise<WindowClient[]> {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return windows.filter(({ url }) => url.split(/[?#]/, 1)[0] === PAGE);
}

function tell(page: WindowClient, message: WorkerMessage): void {
  page.postMessage(message);
}
