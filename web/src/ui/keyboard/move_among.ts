import type { KeyboardEvent } from "react";
import { isComposing } from "./focus";

/** Moves the focus with the arrow keys for up and down among the elements that the selector finds, from the first. */
export function moveAmong(event: KeyboardEvent<HTMLElement>, selector: string): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || event.defaultPrevented || isComposing(event.nativeEvent)) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>(selector)];
  const at = all.indexOf(event.target as HTMLElement);
  if (at === -1) return;
  event.preventDefault();
  all[Math.max(0, Math.min(at + step, all.length - 1))]?.focus();
}
