/** Gets tokens of the application's user for the frame, which asks for one at the start and before each expires. */

/**
 * A token, or a function that returns a new one. A function that returns null or an empty text says that nobody is signed
 * in.
 */
export type TokenSource = string | (() => string | null | Promise<string | null>);

/** The frame waits 15 seconds for an answer. */
const PAUSES_MS = [500, 1000, 2000, 4000];

export class FrameToken {
  /** Called with each token for the frame; null: nobody is signed in. */
  onToken: (token: string | null) => void = () => undefined;
  /** Called when the source has failed; it is asked again a few times. */
  onError: (error: unknown) => void = () => undefined;
  #source: TokenSource | null = null;
  #isWanted = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Increases when an earlier answer is no longer wanted. */
  #round = 0;

  get source(): TokenSource | null {
    return this.#source;
  }

  /** A frame that waits for a token gets the new one; so does one that is signed in, since the user may have changed. */
  set source(source: TokenSource | null) {
    if (source === this.#source) return;
    const before = this.#source;
    this.#source = source;
    // Applications create new functions in each rendering; only a text is another token for certain.
    if (this.#isWanted || (before !== null && typeof source === "string")) this.request();
  }

  /** Gets a token and hands it over. Without a source, waits for one. */
  request(): void {
    this.stop();
    this.#isWanted = true;
    if (this.#source !== null) void this.#attempt(this.#source, ++this.#round, 0);
  }

  /** Hands over nothing more until the next request. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#isWanted = false;
    this.#round++;
  }

  async #attempt(source: TokenSource, round: number, failures: number): Promise<void> {
    try {
      const token = typeof source === "string" ? source : await source();
      if (round !== this.#round) return;
      this.#isWanted = false;
      this.onToken(token === "" ? null : token);
    } catch (error) {
      if (round !== this.#round) return;
      this.onError(error);
      const pause = PAUSES_MS[failures];
      if (pause !== undefined) this.#timer = setTimeout(() => void this.#attempt(source, round, failures + 1), pause);
    }
  }
}
