/** Work that the page can wait for: after some of it in a row, the rest waits until the page has had a pause. */

const TURN_MS = 50;
const PAUSE_MS = 500;

export class PacedWork {
  readonly #waiting: (() => void)[] = [];
  #spentMs = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;

  /** Runs the work at once, or after what is waiting. */
  add(work: () => void): void {
    this.#waiting.push(work);
    this.#run();
  }

  #run(): void {
    this.#pause ??= setTimeout(() => this.#resume(), PAUSE_MS);
    while (this.#spentMs < TURN_MS) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      const start = performance.now();
      work();
      this.#spentMs += performance.now() - start;
    }
  }

  #resume(): void {
    this.#pause = undefined;
    this.#spentMs = 0;
    if (this.#waiting.length > 0) this.#run();
  }
}
