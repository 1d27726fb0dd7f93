/** Whether keys or a pointer lead the focus. Letters are commands for a message only if keys have led to it. */

let isLed = false;

const moved = ({ key }: KeyboardEvent): void => {
  if (key === "Tab" || key.startsWith("Arrow")) isLed = true;
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
