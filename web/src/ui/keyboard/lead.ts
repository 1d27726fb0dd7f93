/**
 * Whether the reader moves the focus with keys. Letters are commands for a message only if they have: who clicks, or
 * goes to a message with Enter, writes next.
 */

/** Lists of messages. */
export const MESSAGES = "[role=log], .thread";

/** Where Enter chooses something for the focused message, which then has the focus again. */
const OF_MESSAGES = `${MESSAGES}, .emoji-popup, [role=menu]`;

let isLed = false;

const moved = ({ key, target }: KeyboardEvent): void => {
  const isIn = (places: string): boolean => target instanceof Element && target.closest(places) !== null;
  // What keys do in a dialog, such as to the next picture, leads to no message.
  if (key === "Tab" || key.startsWith("Arrow")) isLed ||= !isIn("dialog");
  else if (key === "Enter" && !isIn(OF_MESSAGES)) isLed = false;
};

const pressed = (): void => {
  isLed = false;
};

/** Follows what leads the focus. Returns a function that ends this. */
export function followLead(): () => void {
  addEventListener("keydown", moved, true);
  addEventListener("pointerdown", pressed, true);
  return () => {
    removeEventListener("keydown", moved, true);
    removeEventListener("pointerdown", pressed, true);
  };
}

/** Returns whether the reader has moved the focus with keys since they last used a pointer. */
export function isLedByKeys(): boolean {
  return isLed;
}
