/** Replacements for features that some browsers and Node lack; browsers have some only with HTTPS or on localhost. */

/** Returns a unique id. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Runs `work` while other tabs wait for the same lock. Without locks, two tabs may run at once. */
export async function withLock<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  const locks = navigator?.locks;
  return locks === undefined ? work() : locks.request(name, async () => work());
}
