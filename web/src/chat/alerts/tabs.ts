/**
 * Several tabs of one user in one browser: each hears everything, and one of them speaks. What is looked at goes first;
 * where none is, whoever claims it. What was claimed once is remembered, through a reload too.
 */

import { AlertClaims } from "./alert_claims";

/** Whether a tab may claim something: `isSeen` is whether it is looked at, `isOtherSeen` whether another one is. */
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

  /** Whether the reader looks at this tab. */
  get isSeen(): boolean {
    return document.visibilityState === "visible" && document.hasFocus();
  }

  /** From now on other tabs know whether this one is looked at. */
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

  /** Whether this tab is the one to speak of it; true once in all tabs. */
  async claim(id: string): Promise<boolean> {
    return mayClaim(this.isSeen, await this.#isOtherSeen()) && this.#claims.take(id);
  }

  /** The others may be frozen, so nobody is asked: whoever is looked at holds a lock. */
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
