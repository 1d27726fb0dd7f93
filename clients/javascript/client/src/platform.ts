/**
 * Replacements for features that some browsers, Node and React Native lack; browsers have some only with HTTPS or on
 * localhost.
 */

/**
 * Returns a unique id, which is no secret. React Native has no `crypto`: there it is the time in milliseconds and ten
 * random bytes.
 */
export function randomId(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  const bytes =
    crypto?.getRandomValues?.(new Uint8Array(16)) ??
    Array.from({ length: 16 }, (_, index) => (index < 6 ? Date.now() / 256 ** index : Math.random() * 256) & 255);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Runs `work` while other tabs wait for the same lock. Without locks, two tabs may run at once. */
export async function withLock<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  const locks = navigator?.locks;
  return locks === undefined ? work() : locks.request(name, async () => work());
}
