/** Where the focus is, and where keys take it. */

export const onMac = /mac|iphone|ipad/i.test(navigator.platform);

/** Whether fingers are what the page is used with, and the keyboard is drawn on the screen. */
export const byTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;

/** Whether a key belongs to a character that is put together of several, as in Japanese; Enter ends that, too. */
export function isComposing({ isComposing: labels, keyCode }: KeyboardEvent): boolean {
  // Safari says so only by the number.
  return labels || keyCode === 229;
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio])");
}

export function focusComposer(): void {
  document.querySelector<HTMLElement>(".conversation .composer textarea")?.focus();
}

export function focusMessages(): void {
  document.querySelector<HTMLElement>(".conversation [role=log]")?.focus();
}
