/** Timers of browsers end at once when they are longer than this. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls `onEnd` at a time that can be replaced, such as the earliest of several ends. */
export class EndTimer {
  readonly #onEnd: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Replaces the time, in milliseconds since 1970; infinity ends the timer. */
  set(at: number): void {
    this.stop();
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(this.#onEnd, Math.min(Math.max(at - Date.now(), 0), LONGEST_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
