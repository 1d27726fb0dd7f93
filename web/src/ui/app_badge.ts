/** Shows the number of unread messages on the icon of the installed page. Other pages and browsers ignore it. */
export function showBadge(unread: number): void {
  navigator.setAppBadge?.(unread).catch(() => undefined);
}
