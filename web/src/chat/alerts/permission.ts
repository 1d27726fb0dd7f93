/** Whether the browser may show notifications, on this device. */

/** `insecure`: the page has no HTTPS; `install`: iOS has notifications for installed pages only. */
export type Permission = "on" | "off" | "ask" | "denied" | "insecure" | "install" | "impossible";

/** The reader may turn off here what the browser still allows. */
const OFF = "talkwire.notifications-off";
/** The reader does not want to be asked again. */
const NOT_NOW = "talkwire.notifications-not-now";

export function permission(): Permission {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in globalThis)) return isOnIos() ? "install" : "impossible";
  if (needsWorker() && !("serviceWorker" in navigator)) return "impossible";
  if (Notification.permission === "granted") return localStorage.getItem(OFF) === null ? "on" : "off";
  return Notification.permission === "denied" ? "denied" : "ask";
}

/** Allows notifications; the browser asks the first time. */
export async function allow(): Promise<Permission> {
  localStorage.removeItem(OFF);
  if (permission() === "ask") await Notification.requestPermission();
  return permission();
}

export function disallow(): Permission {
  localStorage.setItem(OFF, "");
  return permission();
}

/** Whether the reader may be offered notifications, whom nobody has asked yet. */
export function mayOffer(): boolean {
  return permission() === "ask" && localStorage.getItem(NOT_NOW) === null;
}

/** Remembers that the reader does not want them now. The settings still offer them. */
export function declineOffer(): void {
  localStorage.setItem(NOT_NOW, "");
}

/** Returns whether only the service worker may show notifications: on Android a page may not. */
export function needsWorker(): boolean {
  return /android/i.test(navigator.userAgent);
}

/** An iPad says that it is a Mac. */
function isOnIos(): boolean {
  const { userAgent, maxTouchPoints } = navigator;
  return /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
}
