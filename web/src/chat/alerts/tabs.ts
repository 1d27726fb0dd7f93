/**
 * Decides which of a user's tabs announces a notification. Every tab receives all events. A focused tab goes first,
 * otherwise the first that claims it. A claim outlives a reload.
 */

import { AlertClaims } from "./alert_claims";

/** Returns whether a tab may claim an alert. `isSeen`: this tab has the focus; `isOtherSeen`: another tab has it. */
export function mayClaim(isSeen: boolean, isOtherSeen: boolean): boolean {
  return isSeen || !isOtherSeen;
}

export class Tabs {
  readonly #claims: AlertClaims;
  readonly #seen: string;
  #release: (() => void) | null = null;

  constructor(userId: string) {
    this.#claims = new AlertClaims(userId);
    this.#seen = `talkwire.seen.${userId}`;
  }

  /** Whether this tab has the reader's focus. */
  get isSeen(): boolean {
    return document.visibilityState === "visible" && document.hasFocus();
  }

  /** Starts telling other tabs whether this one has the focus. */
  start(): void {
    for (const name of LOOKS) addEventListener(name, this.#look);
    this.#look();
    void this.#claims.clean().catch(() => undefined);
  }

  stop(): void {
    for (const name of LOOKS) removeEventListener(name, this.#look);
    this.#release?.();
    this.#release = null;
  }

  /** Returns whether this tab announces the alert; true in one tab only, and once. */
  async claim(id: string): Promise<boolean> {
    return mayClaim(this.isSeen, await this.#isOtherSeen()) && this.#claims.take(id);
  }

  /** Other tabs may be frozen and unable to answer, so the focused tab holds a lock. */
  readonly #look = (): void => {
    if (this.isSeen === (this.#release !== null)) return;
    this.#release?.();
    this.#release = null;
    if (!this.isSeen) return;
    const looked = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    void navigator.locks?.request(this.#seen, { mode: "shared" }, () => looked);
  };

  async #isOtherSeen(): Promise<boolean> {
    const { held } = (await navigator.locks?.query()) ?? {};
    return held?.some(({ name }) => name === this.#seen) === true;
  }
}

const LOOKS = ["focus", "blur", "visibilitychange"] as const;
