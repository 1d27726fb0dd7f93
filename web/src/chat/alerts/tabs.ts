/**
 * Decides which of a user's tabs announces a notification. Every tab receives all events. A focused tab goes first,
 * otherwise the first that claims it. A claim outlives a reload.
 */

import { AlertClaims } from "./alert_claims";

/** Returns whether a tab may claim an alert. `isSeen`: this tab has the focus; `isOtherSeen`: another tab has it. */
export function mayClaim(isFocused: boolean, isOtherFocused: boolean): boolean {
  return isFocused || !isOtherFocused;
}

export class Tabs {
  readonly #claims: AlertClaims;
  readonly #focusLock: string;
  #release: (() => void) | null = null;

  constructor(userId: string) {
    this.#claims = new AlertClaims(userId);
    this.#focusLock = `talkwire.seen.${userId}`;
  }

  /** Whether this tab has the reader's focus. */
  get isFocused(): boolean {
    return document.visibilityState === "visible" && document.hasFocus();
  }

  /** Starts telling other tabs whether this one has the focus. */
  start(): void {
    for (const name of FOCUS_EVENTS) addEventListener(name, this.#updateLock);
    this.#updateLock();
    void this.#claims.clean().catch(() => undefined);
  }

  stop(): void {
    for (const name of FOCUS_EVENTS) removeEventListener(name, this.#updateLock);
    this.#release?.();
    this.#release = null;
  }

  /** Returns whether this tab announces the alert; true in one tab only, and once. */
  async claim(id: string): Promise<boolean> {
    return mayClaim(this.isFocused, await this.#isOtherFocused()) && this.#claims.take(id);
  }

  /** Other tabs may be frozen and unable to answer, so the focused tab holds a lock. */
  readonly #updateLock = (): void => {
    if (this.isFocused === (this.#release !== null)) return;
    this.#release?.();
    this.#release = null;
    if (!this.isFocused) return;
    const released = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    void navigator.locks?.request(this.#focusLock, { mode: "shared" }, () => released);
  };

  async #isOtherFocused(): Promise<boolean> {
    const { held } = (await navigator.locks?.query()) ?? {};
    return held?.some(({ name }) => name === this.#focusLock) === true;
  }
}

const FOCUS_EVENTS = ["focus", "blur", "visibilitychange"] as const;
