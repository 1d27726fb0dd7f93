/** The browser's notifications: the permission on this device, and showing them. */

export type Permission = "on" | "off" | "ask" | "denied" | "impossible";

/** The reader may turn off here what the browser still allows. */
const OFF = "talkwire.notifications-off";

export function permission(): Permission {
  // Browsers on Android allow notifications only for installed applications: the constructor throws.
  if (!("Notification" in window) || /android/i.test(navigator.userAgent)) return "impossible";
  if (Notification.permission === "granted") return localStorage.getItem(OFF) === null ? "on" : "off";
  return Notification.permission === "denied" ? "denied" : "ask";
}

/** Turns notifications on; the browser asks the first time. */
export async function turnOn(): Promise<Permission> {
  localStorage.removeItem(OFF);
  if (permission() === "ask") await Notification.requestPermission();
  return permission();
}

export function turnOff(): Permission {
  localStorage.setItem(OFF, "");
  return permission();
}

const shown = new Map<string, Notification>();

export interface Shown {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

/** Shows a notification without a sound, since the client plays its own. */
export function showNotification({ id, title, body }: Shown, onClick: () => void): void {
  if (permission() !== "on") return;
  const notification = new Notification(title, { body, tag: id, icon: "./icon.svg", silent: true });
  shown.set(id, notification);
  notification.onclose = () => shown.delete(id);
  notification.onclick = () => {
    window.focus();
    notification.close();
    onClick();
  };
}

/** Closes notifications that were read. */
export function closeNotifications(ids: readonly string[]): void {
  for (const id of ids) {
    shown.get(id)?.close();
    shown.delete(id);
  }
}
