/** Keyboard focus and input methods. */

export const onMac = /mac|iphone|ipad/i.test(navigator.platform);

/** Whether the device has a touch screen and no mouse, so that the keyboard is on the screen. */
export const byTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;

/** Returns whether a key belongs to an input method, as for Japanese, which Enter ends too. */
export function isComposing({ isComposing: composing, keyCode }: KeyboardEvent): boolean {
  // Safari reports this only by the key code.
  return composing || keyCode === 229;
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio])");
}

/** Returns whether a message field has no text and no files. */
export function isEmptyComposer(target: EventTarget | null): boolean {
  return target instanceof HTMLTextAreaElement && target.value === "" && target.matches(".composer:not(:has(.tray)) *");
}

/** Returns whether the focus is in a menu. */
export function isMenuFocused(): boolean {
  return document.activeElement?.closest("[role=menu]") != null;
}

/** Focuses the message field of the panel that has this element, otherwise the conversation's. */
export function focusComposer(beside: Element | null = null): void {
  const place = beside?.closest(".panel") ?? document.querySelector(".conversation");
  place?.querySelector<HTMLElement>(".composer textarea")?.focus();
}

export function focusMessages(): void {
  document.querySelector<HTMLElement>(".conversation [role=log]")?.focus();
}
