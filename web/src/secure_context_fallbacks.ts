/** What browsers keep from pages that come neither over HTTPS nor from this machine, done without it there. */

/** A name that nothing else has. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Holds the other tabs off meanwhile; where there are no locks, two may be at it at once. */
export async function withLock<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  return navigator.locks === undefined ? work() : navigator.locks.request(name, async () => work());
}
