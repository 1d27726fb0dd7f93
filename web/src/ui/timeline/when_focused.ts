const FRAMES_MAX = 30;

/**
 * Focuses a message, unless the reader writes in a thread, and calls `done` then. A row is hidden, and cannot be focused,
 * until the list has measured it. Returns a function that gives up.
 */
export function whenFocused(message: HTMLElement | null | undefined, done: () => void = () => undefined): () => void {
  let frame = 0;
  const focus = (left: number): void => {
    const isWriting = document.activeElement?.closest(".panel .composer") != null;
    if (!isWriting) message?.focus({ preventScroll: true });
    if (isWriting || document.activeElement === message || left === 0) done();
    else frame = requestAnimationFrame(() => focus(left - 1));
  };
  focus(FRAMES_MAX);
  return () => cancelAnimationFrame(frame);
}
